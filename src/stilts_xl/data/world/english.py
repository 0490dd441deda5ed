"""What the tasks that exist in English only need beside the language file: consequences, pairs of questions, supertags."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stilts_xl.data.lines import broken
from stilts_xl.data.world.facts import RELATIONS
from stilts_xl.data.world.language import read_yaml
from stilts_xl.data.world.template import Template, slots_of, template_of

ENGLISH = Path(__file__).parent / "english.yaml"
UNTAGGED = "X"
"""The tag of words that nobody asks for."""
SUPERTAGGED = ("say", "also", "not")


@dataclass(frozen=True)
class Questions:
    """Two ways to ask the same of x and y."""

    of: str
    """The list of which x and y are."""
    one: Template
    other: Template


@dataclass(frozen=True)
class English:
    """The content of the file."""

    follows: Mapping[str, Mapping[str, Template]]
    """Relation -> say, ask and who: what follows from a fact."""
    questions: tuple[Questions, ...]
    supertags: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Relation -> style -> the category of each token and slot of its template."""
    joint: str
    """The category of the word that joins two statements."""
    stop: str
    """That of the full stop."""


@cache
def read_english() -> English:
    """The file, or a Mistake that names the place and the fault."""
    plain = read_yaml(ENGLISH)
    supertags = plain["ccg"]
    return English(
        follows={name: _follows(name, plain["follows"][name]) for name in RELATIONS},
        questions=tuple(
            Questions(
                pair["of"],
                _template("questions", pair["one"], {"x", "y"}),
                _template("questions", pair["other"], {"x", "y"}),
            )
            for pair in plain["questions"]
        ),
        supertags={name: {style: tuple(supertags[name][style].split()) for style in SUPERTAGGED} for name in RELATIONS},
        joint=supertags["joint"],
        stop=supertags["stop"],
    )


def _follows(name: str, plain: Mapping[str, Any]) -> dict[str, Template]:
    value = RELATIONS[name].slot
    slots = {"say": {"person", value}, "ask": {"person"}, "who": {value}}
    return {style: _template(f"follows {name} {style}", plain[style], slots[style]) for style in slots}


def _template(place: str, line: str, slots: set[str]) -> Template:
    template = template_of(line, UNTAGGED)
    if slots_of(template) != slots:
        raise broken(ENGLISH, place, f"the slots {', '.join(sorted(slots))}", ", ".join(sorted(slots_of(template))))
    return template
