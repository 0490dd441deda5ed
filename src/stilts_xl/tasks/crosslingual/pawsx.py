"""PAWS-X: are two sentences of almost the same words paraphrases; English pairs and their translations into six languages."""

from stilts_xl.core.example import PairExample
from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.languages import PAWSX

_PAIR = ("sentence1", "sentence2", "label")
_STEMS = {"train": "train", "validation": "dev", "test": "test"}


def pair(row: Row, language: str) -> PairExample:
    """A row of any of the three copies; the translations of a pair share its id, or its row where there are no ids.

    Pairs that were left untranslated (the text 'NS') stay in, as the reference scores them.
    """
    id = str(row["id"] if "id" in row else row["row"])
    label = row.get("label")
    return PairExample(id, id, row["sentence1"], row["sentence2"], None if label is None else str(label))


def mangled(row: Row) -> Row:
    """The row as XTREME's models see it: its files are written with csv quoting, and read as if they had none."""
    return {**row, "sentence1": _quoted(row["sentence1"]), "sentence2": _quoted(row["sentence2"])}


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if '"' in text else text


TASK = Task(
    name="pawsx",
    kind="classify",
    title="PAWS-X",
    languages=PAWSX,
    metrics=("accuracy",),
    scorer="accuracy",
    labels=("0", "1"),
    files=(
        # The release comes first: XTREME's files are made from it, and have lost the test labels on the way.
        Files(
            format="pawsx_tsv",
            paths={
                "train": "pawsx/x-final/{lang}/train.tsv",
                "validation": "pawsx/x-final/{lang}/dev_2k.tsv",
                "test": "pawsx/x-final/{lang}/test_2k.tsv",
            },
            columns=("id", *_PAIR),
            example=pair,
        ),
        Files(
            format="tsv",
            paths={split: f"pawsx/{stem}-{{lang}}.tsv" for split, stem in _STEMS.items()},
            columns=_PAIR,
            optional=("label",),
            example=pair,
        ),
    ),
    hub=Hub(
        repo="google-research-datasets/paws-x",
        config="{lang}",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=("id", *_PAIR),
        example=pair,
        revision="4cd8187c404bda33cb1f62b49b001115862acf37",
    ),
    licence="free for any purpose, as is; acknowledgement of Google LLC appreciated",
    citation="Yang et al. 2019, PAWS-X: A Cross-lingual Adversarial Dataset for Paraphrase Identification, EMNLP",
    homepage="https://github.com/google-research-datasets/paws/tree/master/pawsx",
    sizes="train 49,401 English pairs / validation 2,000 / test 2,000 pairs a language",
    variants={"mangled": mangled},
)
