"""Row functions of multiple choice: what a prompt, its options and the right one are.

A ValueError tells what was found in a row; the loader adds what was expected, and where the row stands.
"""

from collections.abc import Sequence
from typing import Any

from stilts_xl.core.example import ChoiceExample
from stilts_xl.core.task import Row

COPA_COLUMNS = ("premise", "choice1", "choice2", "question", "label", "idx")
HIDDEN = (None, "", -1, "-1")
"""What publishers put where they keep a label to themselves."""


def text(row: Row, name: str) -> str:
    """A field that is joined to others. Raises ValueError where it holds no text, which joining would hide."""
    value = row[name]
    if not isinstance(value, str):
        raise ValueError(f"{value!r} as '{name}', which is no text")
    return value


def texts(row: Row, *names: str) -> tuple[str, ...]:
    """Several such fields."""
    return tuple(text(row, name) for name in names)


def index_of(label: Any, names: Sequence[str]) -> int | None:
    """The place of a label among the names of a row's options; None where it is hidden.

    An integer and its digits are the same name. Raises ValueError for any other label.
    """
    if label in HIDDEN:
        return None
    if str(label) not in names:
        raise ValueError(f"the label {label!r} beside options named {', '.join(names)}")
    return list(names).index(str(label))


def alternatives(row: Row, language: str) -> ChoiceExample:
    """A row of COPA in any language: a premise, and which of two sentences is its cause or its effect."""
    asked = row["question"]
    if asked not in ("cause", "effect"):
        raise ValueError(f"the question {asked!r}, which is neither 'cause' nor 'effect'")
    number = str(row["idx"])
    prompt = f"{text(row, 'premise')} What was the {asked}?"
    return ChoiceExample(
        number, number, prompt, texts(row, "choice1", "choice2"), index_of(row.get("label"), ("0", "1"))
    )
