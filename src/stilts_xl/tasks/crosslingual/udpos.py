"""UDPOS: the part of speech of every word, in Universal Dependencies treebanks of 33 languages."""

from stilts_xl.core.example import TagExample
from stilts_xl.core.task import Files, Hub, Row, Task, ToExample
from stilts_xl.tasks.languages import NAMES, UDPOS, UDPOS_R

UPOS = tuple("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
_STEMS = {"train": "train", "validation": "dev", "test": "test"}
_TAGGED = ("words", "tags")


def tagged(row: Row, language: str) -> TagExample:
    """A sentence of a tagged file; its id is its number in the set, its cluster the document where that is known."""
    id = str(row["row"])
    tags = row["tags"]
    return TagExample(id, row.get("document", id), tuple(row["words"]), None if tags is None else tuple(tags))


def numbered(field: str, names: tuple[str, ...]) -> ToExample:
    """A row function for copies whose ``field`` holds, for each of the 'tokens', the place of its tag in ``names``.

    A number that names no tag is kept, for the checks to refuse.
    """
    tag_of = dict(enumerate(names))

    def example(row: Row, language: str) -> TagExample:
        id = str(row["row"])
        return TagExample(id, id, tuple(row["tokens"]), tuple(tag_of.get(number, str(number)) for number in row[field]))

    return example


TASK = Task(
    name="udpos",
    kind="tag",
    title="UDPOS",
    languages=UDPOS,
    extra_languages=UDPOS_R,
    metrics=("f1", "precision", "recall", "accuracy"),
    scorer="udpos",
    labels=("O", *UPOS),
    files=(
        # XTREME's own files come first, except for its test files: their tags are stripped, the treebanks have them.
        Files(
            format="tagged_tsv",
            paths={"train": "udpos/train-{lang}.tsv", "validation": "udpos/dev-{lang}.tsv"},
            columns=_TAGGED,
            example=tagged,
        ),
        *(
            Files(
                format="conllu",
                paths={split: f"{folder}/UD_*/{{lang}}_*-ud-{stem}.conllu" for split, stem in _STEMS.items()},
                columns=(*_TAGGED, "document"),
                example=tagged,
            )
            for folder in ("ud_conllu", "ud-treebanks-v2.5")
        ),
        Files(
            format="tagged_tsv",
            paths={"test": "udpos/test-{lang}.tsv"},
            columns=_TAGGED,
            optional=("tags",),
            example=tagged,
        ),
    ),
    hub=Hub(
        repo="google/xtreme",
        config="udpos.{lang}",
        splits={"train": "train", "validation": "validation", "test": "test"},
        columns=("tokens", "pos_tags"),
        example=numbered("pos_tags", UPOS),
        revision="68bd9e06bf4bbe671073c975ccd61d754e1bd3d6",
        codes=NAMES,
        deviation=(
            "treebanks of older and neighbouring languages are mixed in (de el fr ru zh: Swiss German, Ancient Greek, "
            "Old French, Old Russian, Classical Chinese), and contracted words are split into their parts"
        ),
    ),
    licence="one for each treebank, most of them CC BY-SA or CC BY-NC-SA",
    citation="Nivre et al. 2020, Universal Dependencies v2: An Evergrowing Multilingual Treebank Collection, LREC",
    homepage="https://universaldependencies.org",
    sizes="train 21,253 English sentences / validation 3,974 English / test 47 to 22,358 sentences a language (UD 2.5)",
)
