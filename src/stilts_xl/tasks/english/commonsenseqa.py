"""CommonsenseQA: questions from everyday knowledge, five answers to choose from."""

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows_choice import index_of, text


def asked(row: Row, language: str) -> ChoiceExample:
    """A row of the official files, which nest question and choices."""
    inner = row["question"]
    choices = {name: [choice[name] for choice in inner["choices"]] for name in ("label", "text")}
    flat = {"question": inner["stem"], "question_concept": inner["question_concept"], "choices": choices}
    return flat_asked({**row, **flat}, language)


def flat_asked(row: Row, language: str) -> ChoiceExample:
    """A row of the Hub's copy. The cluster is the concept about which a question was written, and others with it."""
    names, options = row["choices"]["label"], tuple(row["choices"]["text"])
    label = index_of(row.get("answerKey"), names)
    return ChoiceExample(str(row["id"]), str(row["question_concept"]), text(row, "question"), options, label)


TASK = Task(
    name="commonsenseqa",
    kind="choose",
    title="CommonsenseQA",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    files=(
        Files(
            format="jsonl",
            paths={
                "train": "commonsenseqa/train_rand_split.jsonl",
                "validation": "commonsenseqa/dev_rand_split.jsonl",
                "test": "commonsenseqa/test_rand_split_no_answers.jsonl",
            },
            columns=("id", "question", "answerKey"),
            optional=("answerKey",),
            example=asked,
        ),
    ),
    hidden_splits=("test",),
    hub=Hub(
        repo="tau/commonsense_qa",
        config="default",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=("id", "question", "question_concept", "choices", "answerKey"),
        example=flat_asked,
        revision="94630fe30dad47192a8546eb75f094926d47e155",
    ),
    licence="MIT",
    citation="Talmor et al. 2019, CommonsenseQA: A Question Answering Challenge Targeting Commonsense Knowledge, NAACL",
    homepage="https://github.com/jonathanherzig/commonsenseqa",
    sizes="train 9,741 / validation 1,221 / test 1,140 (answers hidden) questions (the random split of version 1.11)",
)
