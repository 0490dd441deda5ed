"""XNLI: MultiNLI's question in 15 languages; the English training data are MultiNLI's."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.languages import XNLI
from stilts_xl.tasks.rows import NLI_LABELS, nli

_PAIR = ("sentence1", "sentence2", "gold_label")

TASK = Task(
    name="xnli",
    kind="classify",
    title="XNLI",
    languages=XNLI,
    metrics=("accuracy",),
    scorer="accuracy",
    labels=NLI_LABELS,
    train_on="mnli",
    files=(
        Files(
            format="tsv",
            paths={"validation": "xnli/dev-{lang}.tsv", "test": "xnli/test-{lang}.tsv"},
            columns=_PAIR,
            optional=("gold_label",),
            example=nli(*_PAIR),
        ),
    ),
    # google/xtreme's copy is one configuration with the 15 languages mixed.
    hub=Hub(
        repo="facebook/xnli",
        config="{lang}",
        splits={"validation": "validation", "test": "test"},
        columns=("premise", "hypothesis", "label"),
        example=nli("premise", "hypothesis", "label"),
        revision="b8dd5d7af51114dbda02c0e3f6133f332186418e",
    ),
    licence="CC BY-NC 4.0",
    citation="Conneau et al. 2018, XNLI: Evaluating Cross-lingual Sentence Representations, EMNLP",
    homepage="https://github.com/facebookresearch/XNLI",
    sizes="validation 2,490 / test 5,010 pairs a language",
)
