"""Adversarial NLI: hypotheses written to deceive a model, in three rounds that are read as one set."""

from stilts_xl.core.example import PairExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.rows import NLI_LABELS, nli

SPLITS = {"train": "train", "validation": "dev", "test": "test"}
LETTERS = {"e": "entailment", "n": "neutral", "c": "contradiction"}


def own(row: Row) -> str:
    """The cluster: the pair itself, for a context that comes again is found nowhere near."""
    return str(row["uid"])


_named = nli("context", "hypothesis", "label", id_field="uid", cluster=own)


def lettered(row: Row, language: str) -> PairExample | None:
    """A row of the official files, whose labels are the first letters of their names."""
    label = row.get("label")
    return _named({**row, "label": LETTERS.get(str(label), label)}, language)


def _rounds(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(number) for number in (1, 2, 3))


TASK = Task(
    name="anli",
    kind="classify",
    title="Adversarial NLI",
    languages=("en",),
    metrics=("accuracy",),
    scorer="accuracy",
    labels=NLI_LABELS,
    files=(
        Files(
            format="jsonl",
            paths={ours: _rounds(f"anli/anli_v1.0/R{{}}/{theirs}.jsonl") for ours, theirs in SPLITS.items()},
            columns=("uid", "context", "hypothesis", "label"),
            example=lettered,
        ),
    ),
    hub=Hub(
        repo="facebook/anli",
        config="plain_text",
        splits={ours: "+".join(_rounds(f"{theirs}_r{{}}")) for ours, theirs in SPLITS.items()},
        columns=("uid", "premise", "hypothesis", "label"),
        example=nli("premise", "hypothesis", "label", id_field="uid", cluster=own),
        revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
    ),
    licence="CC BY-NC 4.0",
    citation="Nie et al. 2020, Adversarial NLI: A New Benchmark for Natural Language Understanding, ACL",
    homepage="https://github.com/facebookresearch/anli",
    sizes="train 162,865 (16,946 + 45,460 + 100,459) / validation 3,200 / test 3,200 pairs",
)
