"""SQuAD v1.1: English questions about Wikipedia paragraphs, answered by a span."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.rows import SQUAD_COLUMNS, question

TASK = Task(
    name="squad",
    kind="span",
    title="SQuAD v1.1",
    languages=("en",),
    metrics=("f1", "exact_match"),
    scorer="squad",
    files=(
        Files(
            format="squad_json",
            paths={"train": "squad/train-v1.1.json", "validation": "squad/dev-v1.1.json"},
            columns=SQUAD_COLUMNS,
            example=question,
        ),
    ),
    hub=Hub(
        repo="rajpurkar/squad",
        config="plain_text",
        splits={"train": "train", "validation": "validation"},
        columns=SQUAD_COLUMNS,
        example=question,
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
    ),
    licence="CC BY-SA 4.0",
    citation="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text, EMNLP",
    homepage="https://rajpurkar.github.io/SQuAD-explorer",
    sizes="train 87,599 / validation 10,570 questions",
)
