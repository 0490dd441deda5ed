"""Parallel sentences and running text: Tatoeba, BUCC 2018, and what masked and translation modelling read."""

from collections.abc import Iterator
from random import Random

from stilts_xl.data.world.facts import HELD_OUT_TEXT, Fact, facts_of, stream
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.render import framed, joint, sentence, told
from stilts_xl.data.world.world import Files, Languages, World, lines, present, tsv
from stilts_xl.tasks.languages import BUCC, ISO3, TATOEBA, XTREME_R

TEXT_POOLS = {"train": "text", "validation": HELD_OUT_TEXT}
KINDS = ("one", "one", "joint", "two", "answer", "frame")
"""What a line of text is: a sentence, two as one, two one after another, a question and its answer, one in a frame."""
Line = tuple[str, tuple[Fact, str], tuple[Fact, str], int]
"""(kind, a fact in a style, another one, the number of a frame)."""


def parallel_files(world: World, languages: Languages) -> Files:
    """The files of all tasks of this kind."""
    yield from _text(world, languages)
    for english in present(("en",), languages):
        yield from _tatoeba(world, languages, english)
        for language in present(BUCC, languages):
            yield from _bucc(world, language, english)
        yield from _pairs(world, languages, english)


def drawn(pool: str, random: Random, count: int, kinds: tuple[str, ...]) -> Iterator[Line]:
    """So many lines of a pool, each another one, in no language yet."""
    seen: set[Line] = set()
    facts = facts_of(pool)
    while len(seen) < count:
        kind = random.choice(kinds)
        one, two = ((fact, random.choice(("say", "also", "not"))) for fact in random.choices(facts, k=2))
        if kind in ("one", "answer"):
            two = one
        line = (kind, one, two, random.randrange(60) if kind == "frame" else 0)
        if line not in seen:
            seen.add(line)
            yield line


def line_of(language: Language, line: Line) -> str:
    """A line in a language. Frames differ from language to language, and so such lines are no translations."""
    kind, one, two, frame = line
    if kind == "joint":
        sentences = [joint(language, one, two)]
    elif kind == "frame":
        sentences = [framed(language, frame, one, two)]
    elif kind == "two":
        sentences = [sentence(language, *one), sentence(language, *two)]
    elif kind == "answer":
        sentences = [sentence(language, one[0], "ask"), sentence(language, *one)]
    else:
        sentences = [sentence(language, *one)]
    return told(language, sentences).text


def _text(world: World, languages: Languages) -> Files:
    for split, rows in (("train", world.text), ("validation", world.validation)):
        for language in present(XTREME_R, languages):
            found = drawn(TEXT_POOLS[split], stream(world.seed, "mlm", split, language.code), rows, KINDS)
            yield f"mlm/{split}.{language.code}.txt", lines(line_of(language, line) for line in found)


def _pairs(world: World, languages: Languages, english: Language) -> Files:
    for split, rows in (("train", world.text), ("validation", world.validation)):
        pool, kinds = TEXT_POOLS[split], ("one", "joint", "two")
        found = list(drawn(pool, stream(world.seed, "tlm", split), rows, kinds))
        target = lines(line_of(english, line) for line in found)
        for language in present(XTREME_R, languages):
            if language is not english:
                stem = f"tlm/{split}.{language.code}-en"
                yield f"{stem}.{language.code}", lines(line_of(language, line) for line in found)
                yield f"{stem}.en", target


def _tatoeba(world: World, languages: Languages, english: Language) -> Files:
    found = list(drawn("test", stream(world.seed, "tatoeba", "test"), world.test, ("one", "joint")))
    target = lines(line_of(english, line) for line in found)
    for language in present(TATOEBA, languages):
        stem = f"tatoeba/tatoeba.{ISO3[language.code]}-eng"
        yield f"{stem}.{ISO3[language.code]}", lines(line_of(language, line) for line in found)
        yield f"{stem}.eng", target


def _bucc(world: World, language: Language, english: Language) -> Files:
    """Of each side's sentences every second one has its translation on the other side; all sides are shuffled."""
    for split, stem in (("validation", "dev"), ("test", "test")):
        random = stream(world.seed, "bucc2018", split, language.code)
        rows = world.rows(split)
        common = (rows + 1) // 2
        found = list(drawn(split, random, 2 * rows - common, ("one", "joint")))
        foreign, target = found[:rows], found[:common] + found[rows:]
        random.shuffle(foreign)
        random.shuffle(target)
        ids = {line: f"en-{number:09}" for number, line in enumerate(target, 1)}
        gold = [(f"{language.code}-{number:09}", ids[line]) for number, line in enumerate(foreign, 1) if line in ids]
        path = f"bucc2018/{language.code}-en.{stem}"
        yield f"{path}.{language.code}", _side(language, foreign)
        yield f"{path}.en", _side(english, target)
        yield f"{path}.gold", tsv(gold)


def _side(language: Language, found: list[Line]) -> str:
    return tsv((f"{language.code}-{number:09}", line_of(language, line)) for number, line in enumerate(found, 1))
