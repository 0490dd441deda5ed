"""BUCC 2018: find the translations among the sentences of two comparable corpora, one of them English."""

from stilts_xl.core.example import SentenceExample
from stilts_xl.core.task import Files, Row, Task
from stilts_xl.tasks.languages import BUCC

SIDES = ("id", "text", "side", "gold")


def sentence(row: Row, language: str) -> SentenceExample:
    """A sentence of either side of a search; only queries have gold, and only where it is published."""
    id, gold = str(row["id"]), row["gold"]
    return SentenceExample(id, id, row["text"], row["side"] == "query", None if gold is None else tuple(gold))


def _corpora(stem: str) -> tuple[str, str]:
    return f"{stem}.{{lang}}", f"{stem}.en"


def _with_gold(stem: str) -> tuple[str, ...]:
    return *_corpora(stem), f"{stem}.gold"


_XTREME = "bucc2018/{lang}-en"
_RELEASE = "bucc2018/{lang}-en/{lang}-en"

TASK = Task(
    name="bucc2018",
    kind="retrieve",
    title="BUCC 2018",
    languages=BUCC,
    metrics=("f1", "precision", "recall"),
    scorer="bucc",
    tune_on="validation",
    files=(
        *(
            Files(
                format="bucc",
                paths={"validation": _with_gold(validation), "test": _with_gold(test)},
                columns=SIDES,
                example=sentence,
            )
            for validation, test in (
                (f"{_XTREME}.dev", f"{_XTREME}.test"),
                (f"{_RELEASE}.sample", f"{_RELEASE}.training"),
            )
        ),
        # XTREME deletes the gold pairs of its test set.
        Files(format="bucc", paths={"test": _corpora(f"{_XTREME}.test")}, columns=SIDES, example=sentence),
    ),
    hub=None,
    licence="none stated; the text is from Wikipedia and News Commentary",
    citation=(
        "Zweigenbaum et al. 2018, Overview of the Third BUCC Shared Task: Spotting Parallel Sentences in Comparable "
        "Corpora, BUCC"
    ),
    homepage="https://comparable.limsi.fr/bucc2018/bucc2018-task.html",
    sizes="validation 257 to 2,374 / test 1,899 to 14,435 gold pairs among up to 558,401 sentences a side",
    where=(
        "the sample-gold and training-gold archives of the shared task (comparable.limsi.fr/bucc2018) unpack to "
        "bucc2018/; the Hub's copies hold the gold pairs only, without the corpora they are to be found in"
    ),
)
