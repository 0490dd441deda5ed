"""TyDiQA-GoldP: questions asked by speakers of nine languages; trained on its English part only."""

from stilts_xl.core.task import Files, Hub, Row, Task
from stilts_xl.tasks.languages import NAMES, TYDIQA
from stilts_xl.tasks.rows import SQUAD_COLUMNS, question

ENGLISH_TRAINING_QUESTIONS = 3696


def of_language(row: Row, language: str) -> bool:
    """Whether a row's id, as 'finnish-1234-0', names the language; the Hub's copy mixes all nine."""
    return str(row["id"]).startswith(NAMES[language].lower() + "-")


def foreign_rows(language: str, rows: list[Row]) -> str:
    """What shows that an English training file holds other languages, or ''.

    Three signs: ids with another language's name, more questions than English has, questions not in Latin letters.
    """
    prefixes = tuple(NAMES[code].lower() + "-" for code in TYDIQA if code != language)
    marked = [row["id"] for row in rows if str(row["id"]).startswith(prefixes)]
    if marked:
        return f"{len(marked)} questions of other languages, the first is '{marked[0]}'"
    if len(rows) > ENGLISH_TRAINING_QUESTIONS:
        return f"{len(rows):,} questions; the English part has {ENGLISH_TRAINING_QUESTIONS:,}"
    strange = [row["id"] for row in rows if _mostly_not_latin(row["question"])]
    return f"{len(strange)} questions not in Latin letters, the first is '{strange[0]}'" if strange else ""


def _mostly_not_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(character > "\u024f" for character in letters) > len(letters)


TASK = Task(
    name="tydiqa",
    kind="span",
    title="TyDiQA-GoldP",
    languages=TYDIQA,
    metrics=("f1", "exact_match"),
    scorer="squad",
    files=tuple(
        Files(
            format="squad_json",
            paths={
                "train": f"tydiqa/tydiqa-goldp-v1.1-train/{stem}.{{lang}}.train.json",
                "validation": f"tydiqa/tydiqa-goldp-v1.1-dev/{stem}.{{lang}}.dev.json",
                "test": f"tydiqa/tydiqa-goldp-v1.1-dev/{stem}.{{lang}}.dev.json",
            },
            columns=SQUAD_COLUMNS,
            example=question,
        )
        for stem in ("tydiqa.goldp", "tydiqa")
    ),
    hub=Hub(
        repo="google-research-datasets/tydiqa",
        config="secondary_task",
        splits={"train": "train", "validation": "validation", "test": "validation"},
        columns=SQUAD_COLUMNS,
        example=question,
        keep=of_language,
        revision="da78f23f9119363459acbaf46bf89426ff26c259",
    ),
    licence="Apache 2.0",
    citation="Clark et al. 2020, TyDi QA: A Benchmark for Information-Seeking Question Answering, TACL",
    homepage="https://github.com/google-research-datasets/tydiqa",
    sizes="train 3,696 English questions / test 5,077 questions in nine languages (the official development set)",
    check_train=foreign_rows,
)
