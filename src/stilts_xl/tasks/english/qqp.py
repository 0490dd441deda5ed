"""Quora Question Pairs: do two questions ask the same, in GLUE's split."""

from stilts_xl.core.example import PairExample
from stilts_xl.core.task import Files, Hub, Row, Task

_QUESTIONS = ("question1", "question2")


def pair(row: Row, language: str) -> PairExample:
    """A row of GLUE's files; the test file has neither labels nor the ids of the questions."""
    cluster = str(row.get("qid1") or row["row"])
    return PairExample(str(row["id"]), cluster, row["question1"], row["question2"], row.get("is_duplicate") or None)


def hub_pair(row: Row, language: str) -> PairExample:
    """A row of the Hub's copy; -1 is a hidden label."""
    label = None if row["label"] == -1 else str(row["label"])
    return PairExample(str(row["idx"]), str(row["row"]), row["question1"], row["question2"], label)


TASK = Task(
    name="qqp",
    kind="classify",
    title="Quora Question Pairs (GLUE)",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    labels=("0", "1"),
    files=(
        Files(
            format="glue_tsv",
            paths={"train": "QQP/train.tsv", "validation": "QQP/dev.tsv", "test": "QQP/test.tsv"},
            columns=("id", "qid1", *_QUESTIONS, "is_duplicate"),
            optional=("qid1", "is_duplicate"),
            example=pair,
        ),
    ),
    hidden_splits=("test",),
    hub=Hub(
        repo="nyu-mll/glue",
        config="qqp",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=("idx", *_QUESTIONS, "label"),
        example=hub_pair,
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
    ),
    licence="Quora's terms of service; it grants no right to pass the data on",
    citation="Iyer et al. 2017, First Quora Dataset Release: Question Pairs; split of Wang et al. 2019, GLUE, ICLR",
    homepage="https://gluebenchmark.com/tasks",
    sizes="train 363,846 / validation 40,430 / test 390,965 (labels hidden) pairs",
)
