"""SNLI: image captions, and sentences that they entail, contradict or leave open."""

from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows import NLI_LABELS, nli, triple

_PAIR = ("sentence1", "sentence2", "gold_label")
_HUB_PAIR = ("premise", "hypothesis", "label")


def caption(row: Row) -> str:
    """The cluster: the caption, which stands before several hypotheses; without its id, as on the Hub, rows of three."""
    return str(row.get("captionID") or triple(row))


TASK = Task(
    name="snli",
    kind="classify",
    title="SNLI",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    labels=NLI_LABELS,
    files=(
        Files(
            format="jsonl",
            paths={
                "train": "snli/snli_1.0/snli_1.0_train.jsonl",
                "validation": "snli/snli_1.0/snli_1.0_dev.jsonl",
                "test": "snli/snli_1.0/snli_1.0_test.jsonl",
            },
            columns=(*_PAIR, "pairID"),
            example=nli(*_PAIR, id_field="pairID", cluster=caption),
        ),
    ),
    hub=Hub(
        repo="stanfordnlp/snli",
        config="plain_text",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=_HUB_PAIR,
        example=nli(*_HUB_PAIR, cluster=caption),
        revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
    ),
    licence="CC BY-SA 4.0",
    citation="Bowman et al. 2015, A large annotated corpus for learning natural language inference, EMNLP",
    homepage="https://nlp.stanford.edu/projects/snli",
    sizes="train 549,367 / validation 9,842 / test 9,824 pairs, without the 1,119 that have no majority label",
)
