"""Templates: lines of tagged tokens and slots, as the language files write them, and the tokens that fill them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stilts_xl.tasks.crosslingual.udpos import UPOS

CLOSING = frozenset(". , ! ? : ; … 。 ， ！ ？ ： ； 、 ، ؟ ؛ ۔ । ။ ၊ ) » ” 」".split())
"""Punctuation that joins the word before it."""
OPENING = frozenset("( « “ 「 ¿ ¡".split())
"""Punctuation that joins the word after it."""
GLUE = "~"
_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a punctuation mark."""

    text: str
    tag: str
    slot: str = ""
    """The slot that it fills; empty for the template's own words."""
    core: bool = False
    """Part of what a slot names, without the adpositions, articles and particles at its ends."""
    left: bool = False
    """No space before it."""
    right: bool = False
    """No space after it."""


@dataclass(frozen=True, slots=True)
class Agreeing:
    """A word that agrees with a person."""

    male: Token
    female: Token
    person: str
    """The slot of that person."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the words of a key, in one of their forms."""

    name: str
    form: str
    """Empty for the base form."""


Template = tuple[Token | Agreeing | Slot, ...]
Words = Mapping[str, tuple[Token, ...]]
"""Form -> tokens; the base form is ''."""


def template_of(line: str, default: str = "") -> Template:
    """A template from its line. Raises ValueError for an item without a tag, unless there is a default one."""
    return tuple(_item(item, default) for item in line.split())


def _item(item: str, default: str) -> Token | Agreeing | Slot:
    if slot := _SLOT.fullmatch(item):
        return Slot(slot[1], slot[2] or "")
    if "{" in item or "}" in item:
        raise ValueError(f"'{item}', where a slot stands alone, as in '{{city}} ~de/ADP'")
    text, tag = _parted(item, default)
    if "|" not in text:
        return _token(text, tag)
    words, _, person = text.partition("@")
    male, _, female = words.partition("|")
    if not male or not female:
        raise ValueError(f"'{item}', which lacks one of two words")
    return Agreeing(_token(male, tag), _token(female, tag), person or "person")


def _parted(item: str, default: str) -> tuple[str, str]:
    text, slash, tag = item.rpartition("/")
    if not slash:
        text, tag = item, default
    if tag not in UPOS or not text.strip(GLUE):
        raise ValueError(f"'{item}', which is no word, a slash and one of {' '.join(UPOS)}")
    return text, tag


def _token(text: str, tag: str) -> Token:
    """A token of the template's own, or one whose slot is set later."""
    bare = text.removeprefix(GLUE).removesuffix(GLUE)
    left = text.startswith(GLUE) or (tag == "PUNCT" and bare in CLOSING)
    right = text.endswith(GLUE) or (tag == "PUNCT" and bare in OPENING)
    return Token(bare, tag, left=left, right=right)


def words_of(text: str, slot: str, default: str) -> tuple[Token, ...]:
    """The tokens of a word list's entry, for a slot; untagged words have the list's own tag."""
    tokens = [_token(*_parted(item, default)) for item in text.split()]
    if not tokens:
        raise ValueError("an entry without a word")
    names = [place for place, token in enumerate(tokens) if token.tag not in ("ADP", "DET", "PART")] or [0]
    return tuple(replace(token, slot=slot, core=names[0] <= place <= names[-1]) for place, token in enumerate(tokens))


def slots_of(template: Template) -> set[str]:
    """The slots that a template has."""
    return {item.name for item in template if isinstance(item, Slot)}


def fill(
    template: Template, words: Mapping[str, Mapping[str, Words]], keys: Mapping[str, str], gender: Mapping[str, str]
) -> list[Token]:
    """The tokens of a template whose slots say ``keys``.

    ``words`` are by slot and key. A value has the form for a woman where the person is one and the list has that form:
    'f', or 'acc_f' beside 'acc'. A word that agrees with somebody who is not named is a man's.
    """
    female = gender.get(keys.get("person", ""), "m") == "f"
    found: list[Token] = []
    for item in template:
        if isinstance(item, Token):
            found.append(item)
        elif isinstance(item, Agreeing):
            found.append(item.female if gender.get(keys.get(item.person, ""), "m") == "f" else item.male)
        else:
            forms = words[item.name][keys[item.name]]
            womans = f"{item.form}_f" if item.form else "f"
            found += forms[womans] if female and womans in forms else forms[item.form]
    return found


def insert(template: Template, parts: Mapping[str, Sequence[Token]]) -> list[Token]:
    """The tokens of a template whose slots stand for whole clauses."""
    found: list[Token] = []
    for item in template:
        if isinstance(item, Slot):
            found += parts[item.name]
        elif isinstance(item, Token):
            found.append(item)
    return found
