"""Short documents with their English translations: what a small model reads before it learns any task."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from random import Random

from stilts_xl.data.world.facts import RELATIONS, Fact, facts_of, stream
from stilts_xl.data.world.language import STYLES, Language, languages
from stilts_xl.data.world.parallel import TEXT_POOLS
from stilts_xl.data.world.render import Sentence, sentence, told
from stilts_xl.data.world.template import Token
from stilts_xl.data.world.world import lines

SO = ("say", "also")
ASKED = ("ask", "who", "")
"""How a fact that is told again is asked for before, or that it is not."""
Line = tuple[Fact, str]
"""A fact in a style."""
Document = tuple[tuple[Line, ...], tuple[Line, ...]]
"""What each of its two sides tells; one of them only what the other tells too."""
MOST = 3
"""Facts of the relation that a document tells most of, and facts of others."""
AGAIN = (1, 1, 2)
"""How many facts are told again."""
APART = 3
"""One document in so many is written with spaces between all tokens, as taggers get their sentences."""


def write_documents(folder: Path, seed: int, train: int, validation: int) -> None:
    """Write so many documents of each language but English as the files of ``tlm``.

    Their facts are those of the world's running text, which no task's rows tell.
    """
    (folder / "tlm").mkdir(parents=True, exist_ok=True)
    for split, rows in (("train", train), ("validation", validation)):
        for code in languages():
            if code != "en":
                sides = zip(*texts(split, seed, code, rows), strict=True)
                for side, told in zip((code, "en"), sides, strict=True):
                    path = folder / "tlm" / f"{split}.{code}-en.{side}"
                    path.write_text(lines(told), encoding="utf-8", newline="\n")


def texts(split: str, seed: int, code: str, count: int) -> Iterator[tuple[str, str]]:
    """So many documents, each as (text, text in English); of three in four it is the English one that tells everything."""
    known = languages()
    for number, document in enumerate(documents(split, seed, code, count)):
        sides = document if number % 4 < 2 else document[::-1]
        spaced = number % APART == 0
        yield _text(known[code], sides[0], spaced), _text(known["en"], sides[1], spaced)


def documents(split: str, seed: int, code: str, count: int) -> Iterator[Document]:
    """So many documents: a few facts, and beside them one or two of these told again, as an answer or without a question.

    No two facts of a document share a person or a value, and some have one relation, so that it takes names to tell
    them apart. Mostly what is told again stands first, as questions about a passage do.
    """
    random = stream(seed, "documents", split, code)
    facts = {name: facts_of(TEXT_POOLS[split], name) for name in RELATIONS}
    for number in range(count):
        names = random.choices(tuple(RELATIONS), k=1) * random.randint(1, MOST)
        names += random.choices(tuple(RELATIONS), k=random.randint(1, MOST))
        told = [(fact, random.choice(SO)) for fact in _unlike([facts[name] for name in names], random)]
        part = random.sample(told, min(random.choice(AGAIN), len(told)))
        again = tuple(chain.from_iterable(_again(fact, random) for fact, _ in part))
        yield (tuple(told), again) if number % 4 == 3 else (again, tuple(told))


def _unlike(choices: Sequence[Sequence[Fact]], random: Random) -> list[Fact]:
    """One of each of the choices that has one with a person and a value of its own, in random order."""
    found: list[Fact] = []
    for facts in choices:
        named = {key for fact in found for key in (fact.person, fact.value)}
        free = [fact for fact in facts if not named & {fact.person, fact.value}]
        found += random.sample(free, min(1, len(free)))
    random.shuffle(found)
    return found


def _again(fact: Fact, random: Random) -> tuple[Line, ...]:
    question = random.choice(ASKED)
    answer = (fact, random.choice(SO))
    return ((fact, question), answer) if question else (answer,)


def sentences(seed: int, count: int) -> Iterator[tuple[int, Language, Sentence]]:
    """(number, language, tokens) of so many sentences, in all languages; translations have the same number."""
    random = stream(seed, "documents", "sentences")
    found = [(fact, style) for fact in facts_of(TEXT_POOLS["train"]) for style in STYLES]
    for number, line in enumerate(random.sample(found, min(count, len(found)))):
        for language in languages().values():
            yield number, language, sentence(language, *line)


def apart(tokens: Sequence[Token]) -> str:
    """Tokens as taggers get them, with a space between any two."""
    return " ".join(token.text for token in tokens)


def _text(language: Language, document: tuple[Line, ...], spaced: bool) -> str:
    found = [sentence(language, *line) for line in document]
    return apart(list(chain.from_iterable(found))) if spaced else told(language, found).text
