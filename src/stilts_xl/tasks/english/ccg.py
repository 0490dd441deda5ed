"""CCG supertagging: each word of a newspaper sentence to its lexical category in combinatory categorial grammar."""

from stilts_xl.core.example import TagExample
from stilts_xl.core.task import Files, Row, Task

_PATHS = {"train": "ccg/ccg.train", "validation": "ccg/ccg.dev"}
_COLUMNS = ("words", "tags")


def sentence(row: Row, language: str) -> TagExample:
    """A line."""
    number = str(row["row"])
    return TagExample(number, number, tuple(row["words"]), tuple(row["tags"]))


TASK = Task(
    name="ccg",
    kind="tag",
    title="CCG supertagging (CCGbank)",
    languages=("en",),
    metrics=("accuracy",),
    scorer="ccg",
    files=(
        Files(format="supertags", paths=_PATHS, columns=_COLUMNS, example=sentence, label_file="ccg/tags_to_id.json"),
        Files(format="supertags", paths=_PATHS, columns=_COLUMNS, example=sentence),
    ),
    hub=None,
    licence="LDC user agreement (LDC2005T13)",
    citation="Hockenmaier and Steedman 2007, CCGbank: A Corpus of CCG Derivations and Dependency Structures Extracted from the Penn Treebank, Computational Linguistics",
    homepage="https://catalog.ldc.upenn.edu/LDC2005T13",
    sizes="train 38,015 sentences, 1,363 categories",
    where="CCGbank is licensed by the Linguistic Data Consortium (LDC2005T13) and cannot be fetched. Expected are ccg/ccg.train "
    "and ccg/ccg.dev, a sentence a line: its words, a tab, as many categories, both separated by blanks; and, to fix "
    "the categories' order, ccg/tags_to_id.json, an object category -> number",
)
