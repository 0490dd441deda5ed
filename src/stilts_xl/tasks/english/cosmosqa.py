"""Cosmos QA: questions about blog posts whose answers are nowhere written, four to choose from."""

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows_choice import index_of, text, texts

_ANSWERS = ("answer0", "answer1", "answer2", "answer3")
_COLUMNS = ("id", "context", "question", *_ANSWERS, "label")
_PARTS_OF_A_PASSAGE = 4


def asked(row: Row, language: str) -> ChoiceExample:
    """A row; 'None of the above choices .' is an option like any other.

    The cluster is the passage, which the first parts of an id such as 'A##B##C##Blog_7##q1_a1##D' name.
    """
    passage = "##".join(str(row["id"]).split("##")[:_PARTS_OF_A_PASSAGE])
    prompt = f"{text(row, 'context')} {text(row, 'question')}"
    label = index_of(row.get("label"), ("0", "1", "2", "3"))
    return ChoiceExample(str(row["id"]), passage, prompt, texts(row, *_ANSWERS), label)


TASK = Task(
    name="cosmosqa",
    kind="choose",
    title="Cosmos QA",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    files=(
        Files(
            format="csv",
            paths={"train": "cosmosqa/train.csv", "validation": "cosmosqa/valid.csv"},
            columns=_COLUMNS,
            example=asked,
        ),
        Files(
            format="jsonl",
            paths={"test": "cosmosqa/test.jsonl"},
            columns=_COLUMNS,
            optional=("label",),
            example=asked,
        ),
    ),
    hidden_splits=("test",),
    hub=Hub(
        repo="allenai/cosmos_qa",
        config="default",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=_COLUMNS,
        example=asked,
        revision="refs/pr/6",
        deviation="Parquet files offered to the publisher's repository (pull request 6); its own are a loading script",
    ),
    licence="CC BY 4.0",
    citation="Huang et al. 2019, Cosmos QA: Machine Reading Comprehension with Contextual Commonsense Reasoning, EMNLP",
    homepage="https://wilburone.github.io/cosmos",
    sizes="train 25,262 / validation 2,985 / test 6,963 (labels hidden) questions",
)
