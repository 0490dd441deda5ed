"""Short documents with their English translations: what a small model reads before it learns any task."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from stilts_xl.data.world.facts import RELATIONS, Fact, facts_of, stream
from stilts_xl.data.world.language import STYLES, Language, languages
from stilts_xl.data.world.parallel import TEXT_POOLS
from stilts_xl.data.world.render import Sentence, sentence, told
from stilts_xl.data.world.template import Token
from stilts_xl.data.world.world import lines

Line = tuple[Fact, str]
"""A fact in a style."""
TOLD = ("say", "say", "also", "also", "not", "ask", "who")
LONGEST = 4
"""Sentences of a document."""
APART = 3
"""One document in so many is written with spaces between all tokens, as taggers get their sentences."""


def write_documents(folder: Path, seed: int, train: int, validation: int) -> None:
    """Write so many documents of each language, with their English translations, as the files of ``tlm``.

    A translation has the same sentences in another order. The documents are the same ones in all languages; their facts
    are those of the world's running text, which no task's rows tell.
    """
    known = languages()
    for split, rows in (("train", train), ("validation", validation)):
        found = list(documents(split, seed, rows))
        for code, language in known.items():
            if code == "en":
                continue
            random = stream(seed, "documents", split, code)
            stem = folder / "tlm" / f"{split}.{code}-en"
            stem.parent.mkdir(parents=True, exist_ok=True)
            mixed = [tuple(random.sample(document, len(document))) for document in found]
            for told_in, side in ((language, found), (known["en"], mixed)):
                texts = [_text(told_in, document, number % APART == 0) for number, document in enumerate(side)]
                path = stem.with_name(f"{stem.name}.{told_in.code}")
                path.write_text(lines(texts), encoding="utf-8", newline="\n")


def documents(split: str, seed: int, count: int) -> Iterator[tuple[Line, ...]]:
    """So many documents; of every second one all sentences are of one relation, so that only names tell them apart."""
    random = stream(seed, "documents", split)
    facts = {name: facts_of(TEXT_POOLS[split], name) for name in RELATIONS}
    for number in range(count):
        size = random.randint(1, LONGEST)
        one = [random.choice(tuple(RELATIONS))] * LONGEST
        relations = one if number % 2 else random.choices(tuple(RELATIONS), k=LONGEST)
        yield tuple((random.choice(facts[relation]), random.choice(TOLD)) for relation in relations[:size])


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
