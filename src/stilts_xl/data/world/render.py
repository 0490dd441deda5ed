"""From facts to tokens, and from tokens to text in which the place of every slot is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stilts_xl.data.world.facts import GENDER, RELATIONS, Fact
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.template import Token, fill, insert

ENDS = frozenset(". ! ?".split())
"""After these a sentence begins, in scripts that have capitals."""
Sentence = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A text, and for each of its sentences where its slots stand in it."""

    text: str
    spans: tuple[Mapping[str, Span], ...]


def clause(language: Language, fact: Fact, style: str) -> list[Token]:
    """A fact in one of the styles, in the words that stand within a sentence."""
    keys = {"person": fact.person, RELATIONS[fact.relation].slot: fact.value}
    # a question does not tell what it asks for, and so nothing in it agrees with that
    known = {"ask": {"person": fact.person}, "who": {RELATIONS[fact.relation].slot: fact.value}}.get(style, keys)
    return fill(language.templates[fact.relation][style], language.words, known, GENDER)


def sentence(language: Language, fact: Fact, style: str) -> Sentence:
    """A fact as a whole sentence or question."""
    ending = language.query if style in ("ask", "who") else language.stop
    return whole(language, [*clause(language, fact, style), *ending])


def joint(language: Language, first: tuple[Fact, str], second: tuple[Fact, str]) -> Sentence:
    """Two facts, each in its style, told as one."""
    return framed(language, -1, first, second)


def framed(language: Language, number: int, first: tuple[Fact, str], second: tuple[Fact, str]) -> Sentence:
    """One fact or two in one of the language's frames; the frame before the first is the plain joint."""
    template = language.joint if number < 0 else language.frames[number % len(language.frames)]
    parts = {"s": clause(language, *first), "t": clause(language, *second)}
    return whole(language, [*insert(template, parts), *language.stop])


def whole(language: Language, tokens: Sequence[Token]) -> Sentence:
    """The tokens with a capital at the beginning and after every full stop."""
    found, begins = [], True
    for token in tokens:
        if begins and token.text[0].isalpha():
            first = language.capitals.get(token.text[0]) or token.text[0].title()
            begins = False
            if first != token.text[0]:
                token = replace(token, text=first + token.text[1:])
        elif begins and token.tag != "PUNCT":
            begins = False
        begins = begins or (token.tag == "PUNCT" and token.text in ENDS)
        found.append(token)
    return tuple(found)


def text_of(language: Language, tokens: Sequence[Token]) -> str:
    """A sentence as it is written."""
    return told(language, [tuple(tokens)]).text


def told(language: Language, sentences: Sequence[Sentence]) -> Told:
    """Sentences as running text."""
    pieces: list[str] = []
    marks: list[dict[str, tuple[int, int]]] = []
    length = 0
    for number, tokens in enumerate(sentences):
        ends: dict[str, tuple[int, int]] = {}
        before = language.gap if number else ""
        for token in tokens:
            piece = token.text if token.left else before + token.text
            length += len(piece)
            pieces.append(piece)
            before = "" if token.right else language.space
            if token.core:
                first, _ = ends.get(token.slot, (length - len(token.text), 0))
                ends[token.slot] = first, length
        marks.append(ends)
    text = "".join(pieces)
    spans = [{slot: Span(start, text[start:end]) for slot, (start, end) in ends.items()} for ends in marks]
    return Told(text, tuple(spans))
