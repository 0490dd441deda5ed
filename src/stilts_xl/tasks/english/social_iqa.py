"""Social IQa: what people feel, want and do after a described situation, three answers to choose from."""

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows_choice import index_of, text, texts

_ANSWERS = ("answerA", "answerB", "answerC")
_FIELDS = ("context", "question", *_ANSWERS)


def asked(row: Row, language: str) -> ChoiceExample:
    """A row of the official files, whose right answer is a letter."""
    return _example(row, index_of(row.get("correct"), ("A", "B", "C")))


def hub_asked(row: Row, language: str) -> ChoiceExample:
    """A row of the Hub's copy, whose right answer is a number counted from 1."""
    return _example(row, index_of(row["label"], ("1", "2", "3")))


def _example(row: Row, label: int | None) -> ChoiceExample:
    number = str(row["row"])
    prompt = f"{text(row, 'context')} {text(row, 'question')}"
    return ChoiceExample(number, number, prompt, texts(row, *_ANSWERS), label)


TASK = Task(
    name="social_iqa",
    kind="choose",
    title="Social IQa",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    files=(
        Files(
            format="jsonl",
            paths={
                "train": "siqa/socialIQa_v1.4_trn.jsonl",
                "validation": "siqa/socialIQa_v1.4_dev.jsonl",
                "test": "siqa/socialIQa_v1.4_tst.jsonl",
            },
            columns=(*_FIELDS, "correct"),
            optional=("correct",),
            example=asked,
        ),
    ),
    hub=Hub(
        repo="allenai/social_i_qa",
        config="default",
        splits={"train": "train", "validation": "validation"},
        columns=(*_FIELDS, "label"),
        example=hub_asked,
        revision="6db3dcea20d5430c3dd74bf85fe9ca87268ea91b",
        deviation="Parquet files offered to the publisher's repository (pull request 3); its own are a loading script",
    ),
    licence="CC BY 4.0",
    citation="Sap et al. 2019, Social IQa: Commonsense Reasoning about Social Interactions, EMNLP",
    homepage="https://maartensap.com/social-iqa",
    sizes="train 33,410 / validation 1,954 questions",
)
