"""HellaSwag: which of four endings continues the description of an everyday scene."""

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows_choice import index_of, text

_COLUMNS = ("ctx_a", "ctx_b", "endings", "source_id", "split", "label")


def scene(row: Row, language: str) -> ChoiceExample:
    """A row; the sentence that is to be completed (``ctx_b``, empty for WikiHow) stands at the head of each ending.

    So does the code of Phang et al. The cluster is the video or the article, from which several rows come.
    """
    start, endings = text(row, "ctx_b"), row["endings"]
    if not isinstance(endings, list) or not all(isinstance(ending, str) for ending in endings):
        raise ValueError(f"{endings!r} as 'endings', which is no list of texts")
    options = tuple(f"{start} {ending}".strip() for ending in endings)
    label = index_of(row.get("label"), [str(number) for number in range(len(options))])
    return ChoiceExample(str(row["row"]), str(row["source_id"]), text(row, "ctx_a"), options, label)


def other_splits(language: str, rows: list[Row]) -> str:
    """What shows that a training file holds rows of another split, which each row names, or ''."""
    foreign = [str(row["split"]) for row in rows if row["split"] != "train"]
    return f"rows of the split '{foreign[0]}' ({len(foreign):,} of {len(rows):,} are foreign)" if foreign else ""


TASK = Task(
    name="hellaswag",
    kind="choose",
    title="HellaSwag",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    files=(
        Files(
            format="jsonl",
            paths={
                "train": "hellaswag/hellaswag_train.jsonl",
                "validation": "hellaswag/hellaswag_val.jsonl",
                "test": "hellaswag/hellaswag_test.jsonl",
            },
            columns=_COLUMNS,
            optional=("label",),
            example=scene,
        ),
    ),
    hidden_splits=("test",),
    hub=Hub(
        repo="Rowan/hellaswag",
        config="default",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=_COLUMNS,
        example=scene,
        revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
    ),
    licence="MIT",
    citation="Zellers et al. 2019, HellaSwag: Can a Machine Really Finish Your Sentence?, ACL",
    homepage="https://rowanzellers.com/hellaswag",
    sizes="train 39,905 / validation 10,042 / test 10,003 (labels hidden) scenes",
    check_train=other_splits,
)
