"""MultiNLI: does an English premise entail, contradict, or say nothing of a hypothesis."""

from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.tasks.rows import NLI_LABELS, nli

_PAIR = ("sentence1", "sentence2", "gold_label")

TASK = Task(
    name="mnli",
    kind="classify",
    title="MultiNLI (matched)",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    labels=NLI_LABELS,
    files=(
        Files(
            format="jsonl",
            paths={
                "train": "mnli/multinli_1.0/multinli_1.0_train.jsonl",
                "validation": "mnli/multinli_1.0/multinli_1.0_dev_matched.jsonl",
            },
            columns=(*_PAIR, "pairID"),
            example=nli(*_PAIR, id_field="pairID"),
        ),
        Files(
            format="tsv_header",
            paths={"train": "MNLI/train.tsv", "validation": "MNLI/dev_matched.tsv"},
            columns=(*_PAIR, "pairID"),
            example=nli(*_PAIR, id_field="pairID"),
        ),
        Files(format="tsv", paths={"train": "xnli/train-en.tsv"}, columns=_PAIR, example=nli(*_PAIR)),
    ),
    hub=Hub(
        repo="nyu-mll/multi_nli",
        config="default",
        splits={"train": "train", "validation": "validation_matched"},
        columns=("premise", "hypothesis", "label", "pairID"),
        example=nli("premise", "hypothesis", "label", id_field="pairID"),
        revision="da70db2af9d09693783c3320c4249840212ee221",
    ),
    licence="OANC licence; the fiction part CC BY 3.0 / CC BY-SA 3.0",
    citation="Williams et al. 2018, A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference, NAACL",
    homepage="https://cims.nyu.edu/~sbowman/multinli",
    sizes="train 392,702 / validation (matched) 9,815 pairs",
)
