"""Pairs of sentences with the same words, of which some say the same: PAWS-X and QQP."""

from collections.abc import Iterator
from dataclasses import dataclass

from stilts_xl.data.world.english import read_english
from stilts_xl.data.world.facts import (
    GENDER,
    RELATIONS,
    Fact,
    balanced,
    corners,
    couple,
    of_one_gender,
    several,
    stream,
)
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.render import Sentence, joint, text_of, whole
from stilts_xl.data.world.template import Template, fill
from stilts_xl.data.world.world import Files, Languages, World, present, tsv
from stilts_xl.tasks.languages import PAWSX

LABELS = ("0", "1")
DIFFERENT, SAME = LABELS
CHANGES = ((True, False), (False, True), (True, True))
"""(clauses in another order, facts said in another way): how a second sentence differs from the first."""
Joint = tuple[tuple[Fact, str], tuple[Fact, str]]


@dataclass(frozen=True)
class Pair:
    """Two sentences of two facts each, in no language yet."""

    first: Joint
    second: Joint
    label: str


def pair_files(world: World, languages: Languages) -> Files:
    """The files of both tasks."""
    header = ("id", "sentence1", "sentence2", "label")
    for split, stem in (("train", "train"), ("validation", "dev_2k"), ("test", "test_2k")):
        parallel = list(pairs("pawsx", world, split, world.rows(split)))
        for language in present(PAWSX if split != "train" else ("en",), languages):
            rows = [(str(number), *texts(language, pair), pair.label) for number, pair in enumerate(parallel, 1)]
            yield f"pawsx/x-final/{language.code}/{stem}.tsv", tsv([header, *rows])
    for english in present(("en",), languages):
        for split, stem in (("train", "train"), ("validation", "dev")):
            yield f"QQP/{stem}.tsv", tsv(_qqp(world, split, english))


def texts(language: Language, pair: Pair) -> tuple[str, str]:
    """Both sentences."""
    return text_of(language, joint(language, *pair.first)), text_of(language, joint(language, *pair.second))


def pairs(task: str, world: World, split: str, rows: int) -> Iterator[Pair]:
    """So many pairs. Those that differ have exchanged the values of two people; nothing else depends on the label."""
    random = stream(world.seed, task, split)
    for label in balanced(LABELS, rows, random):
        corner = random.choice(corners(split))
        relation = random.choice(list(RELATIONS))
        one, two = several(corner, relation, of_one_gender(corner, 2, random), random)
        style = random.choice(("say", "also"))
        order, way = random.choice(CHANGES)
        first = ((one, style), (two, style))
        if label == DIFFERENT:
            one, two = Fact(relation, one.person, two.value), Fact(relation, two.person, one.value)
        if way:
            style = {"say": "also", "also": "say"}[style]
        yield Pair(first, ((two, style), (one, style)) if order else ((one, style), (two, style)), label)


def _qqp(world: World, split: str, english: Language) -> Iterator[tuple[str, ...]]:
    """Rows of GLUE's file under their header; one question asks in one way, the other in the other way."""
    yield "id", "qid1", "qid2", "question1", "question2", "is_duplicate"
    random = stream(world.seed, "qqp", split)
    for number, label in enumerate(balanced(LABELS, world.rows(split), random)):
        questions = random.choice(read_english().questions)
        x, y = couple(split, questions.of, random)
        places = [(questions.one, x, y), (questions.other, *((x, y) if label == SAME else (y, x)))]
        random.shuffle(places)
        first, second = (text_of(english, _asked(english, questions.of, *place)) for place in places)
        yield str(number), str(2 * number + 1), str(2 * number + 2), first, second, label


def _asked(english: Language, of: str, template: Template, x: str, y: str) -> Sentence:
    words = {"x": english.words[of], "y": english.words[of]}
    return whole(english, [*fill(template, words, {"x": x, "y": y}, GENDER), *english.query])
