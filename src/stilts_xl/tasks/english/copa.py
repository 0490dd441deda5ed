"""COPA: which of two sentences is the cause, or the effect, of a third; in SuperGLUE's split."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.rows_choice import COPA_COLUMNS, alternatives

TASK = Task(
    name="copa",
    kind="choose",
    title="COPA (SuperGLUE)",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    files=(
        Files(
            format="jsonl",
            paths={"train": "xcopa/copa/train-en.jsonl", "validation": "xcopa/copa/val-en.jsonl"},
            columns=COPA_COLUMNS,
            example=alternatives,
        ),
        Files(
            format="jsonl",
            paths={"train": "COPA/train.jsonl", "validation": "COPA/val.jsonl", "test": "COPA/test.jsonl"},
            columns=COPA_COLUMNS,
            optional=("label",),
            example=alternatives,
        ),
    ),
    hidden_splits=("test",),
    hub=Hub(
        repo="aps/super_glue",
        config="copa",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=COPA_COLUMNS,
        example=alternatives,
        revision="3de24cf8022e94f4ee4b9d55a6f539891524d646",
    ),
    licence="BSD 2-Clause",
    citation="Roemmele et al. 2011, Choice of Plausible Alternatives: An Evaluation of Commonsense Causal Reasoning, AAAI Spring Symposium",
    homepage="https://super.gluebenchmark.com/tasks",
    sizes="train 400 / validation 100 / test 500 (labels hidden) premises",
)
