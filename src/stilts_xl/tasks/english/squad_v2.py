"""SQuAD v2.0: English questions about Wikipedia paragraphs, a third of which their paragraph does not answer."""

from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows import SQUAD_COLUMNS, question_or_none


def all_answered(language: str, rows: list[Row]) -> str:
    """What shows that a training file is SQuAD v1.1's, or ''."""
    if any(question_or_none(row, language).impossible for row in rows):
        return ""
    return f"an answer to each of {len(rows):,} questions, as in SQuAD v1.1"


TASK = Task(
    name="squad_v2",
    kind="span",
    title="SQuAD v2.0",
    languages=("en",),
    metrics=("f1", "exact_match"),
    scorer="squad_v2",
    files=(
        Files(
            format="squad_json",
            paths={"train": "squad_v2/train-v2.0.json", "validation": "squad_v2/dev-v2.0.json"},
            columns=SQUAD_COLUMNS,
            example=question_or_none,
        ),
    ),
    hub=Hub(
        repo="rajpurkar/squad_v2",
        config="squad_v2",
        splits={"train": "train", "validation": "validation"},
        columns=SQUAD_COLUMNS,
        example=question_or_none,
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
    ),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2018, Know What You Don't Know: Unanswerable Questions for SQuAD, ACL",
    homepage="https://rajpurkar.github.io/SQuAD-explorer",
    sizes="train 130,319 / validation 11,873 questions",
    check_train=all_answered,
)
