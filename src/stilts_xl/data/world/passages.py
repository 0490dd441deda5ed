"""Questions about paragraphs: SQuAD, SQuAD v2, TyDiQA, XQuAD and MLQA."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from random import Random
from typing import Any

from stilts_xl.data.world.facts import RELATIONS, Corner, Fact, corners, most, several, stream
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.render import Told, sentence, text_of, told
from stilts_xl.data.world.world import Files, Languages, World, present
from stilts_xl.tasks.crosslingual.tydiqa import ENGLISH_TRAINING_QUESTIONS
from stilts_xl.tasks.languages import MLQA, NAMES, TYDIQA, XQUAD

QUESTIONS = 4
"""Of a paragraph, where a task asks several."""
PARAGRAPHS = 5
"""Of an article."""
ASKED_FOR = {"ask": "", "who": "person"}
"""Style of a question -> the slot of its answer; empty for the value's."""


@dataclass(frozen=True)
class Question:
    """A question about one of the paragraph's facts, or one that is like it."""

    style: str
    fact: Fact
    """What it asks about; stated in the paragraph only where it can be answered."""
    place: int
    """The sentence with the answer, or with one that is plausible."""
    possible: bool


@dataclass(frozen=True)
class Passage:
    """A paragraph and its questions, in no language yet."""

    facts: tuple[tuple[Fact, str], ...]
    """In the order in which they are told, each with its style."""
    questions: tuple[Question, ...]


def question_files(world: World, languages: Languages) -> Files:
    """The files of all tasks of this kind."""
    yield from _squad(world, languages)
    yield from _tydiqa(world, languages)
    parallel = list(passages("xquad", world, "test", world.test))
    for language in present(XQUAD, languages):
        yield f"xquad/xquad.{language.code}.json", _json("1.1", _articles("xquad", parallel, language, language))
    for split, stem in (("validation", "dev"), ("test", "test")):
        parallel = list(passages("mlqa", world, split, world.rows(split)))
        for context in present(MLQA, languages):
            for asked in present(MLQA, languages):
                path = f"mlqa/MLQA_V1/{stem}/{stem}-context-{context.code}-question-{asked.code}.json"
                yield path, _json("1.0", _articles(f"mlqa-{stem}", parallel, context, asked))


def _squad(world: World, languages: Languages) -> Files:
    """As many paragraphs to train on as other tasks have rows; SQuAD is the largest of the sets with questions."""
    for english in present(("en",), languages):
        for split, stem in (("train", "train"), ("validation", "dev")):
            rows = world.train * QUESTIONS if split == "train" else world.validation
            told_once = list(passages("squad", world, split, rows))
            yield f"squad/{stem}-v1.1.json", _json("1.1", _articles(f"squad-{stem}", told_once, english, english))
            half = list(passages("squad_v2", world, split, rows, impossible=True))
            articles = _articles(f"squad_v2-{stem}", half, english, english, second=True)
            yield f"squad_v2/{stem}-v2.0.json", _json("v2.0", articles)


def _tydiqa(world: World, languages: Languages) -> Files:
    """One question a passage; the file of development is read as validation and as test."""
    for language in present(TYDIQA, languages):
        wanted = [("validation", "dev", world.test)]
        if language.code == "en":
            wanted.append(("train", "train", min(world.train, ENGLISH_TRAINING_QUESTIONS)))
        for split, stem, rows in wanted:
            pool = "test" if split == "validation" else split
            found = list(passages(f"tydiqa-{language.code}", world, pool, rows, each=1))
            articles = _articles(NAMES[language.code].lower(), found, language, language, numbered=True)
            yield f"tydiqa/tydiqa-goldp-v1.1-{stem}/tydiqa.goldp.{language.code}.{stem}.json", _json("1.1", articles)


def passages(
    task: str, world: World, split: str, rows: int, each: int = QUESTIONS, impossible: bool = False
) -> Iterator[Passage]:
    """Paragraphs with ``each`` questions, as many as make ``rows`` questions; every other one has no answer if asked."""
    random = stream(world.seed, task, split)
    while rows > 0:
        asked = min(each, rows)
        rows -= asked
        yield _passage(split, random, asked, impossible)


def _passage(pool: str, random: Random, asked: int, impossible: bool) -> Passage:
    """Facts, and questions about those of people who stand once in the paragraph."""
    facts, both = (_two_relations if impossible else _four_relations)(random.choice(corners(pool)), random)
    random.shuffle(facts)
    single = [fact for fact in facts if fact.person != both]
    about = random.sample(single, min(asked, len(single)))
    questions = []
    for number, fact in enumerate(about):
        if impossible and number % 2:
            questions.append(_impossible(fact, facts, random))
        else:
            style = "ask" if impossible else random.choice(("ask", "ask", "who"))
            questions.append(Question(style, fact, facts.index(fact), True))
    return Passage(tuple((fact, random.choice(("say", "also"))) for fact in facts), tuple(questions))


def _four_relations(corner: Corner, random: Random) -> tuple[list[Fact], str]:
    """One relation of three people and three of one, and who has two of them; no two have values of the same kind.

    So half of the questions for a value can be answered by its kind alone, the others only by whose it is.
    """
    kinds = random.sample(sorted({relation.values for relation in RELATIONS.values()}), 4)
    relations = [random.choice([name for name, one in RELATIONS.items() if one.values == kind]) for kind in kinds]
    persons = random.sample(corner.persons, 5)
    groups = persons[:3], persons[2:3], persons[3:4], persons[4:]
    facts = [several(corner, name, group, random, persons) for name, group in zip(relations, groups, strict=True)]
    return list(chain.from_iterable(facts)), persons[2]


def _two_relations(corner: Corner, random: Random) -> tuple[list[Fact], str]:
    """Two relations, each of three people or four, and the one who has both.

    Of a possible question and an impossible one alike the person stands once in the paragraph, and so does the
    relation: only that they do not belong together tells the latter.
    """
    first, second = random.sample(list(RELATIONS), 2)
    counts = most(corner, first), most(corner, second)
    persons = tuple(random.sample(corner.persons, sum(counts) - 1))
    groups = persons[: counts[0]], persons[counts[0] - 1 :]
    facts = several(corner, first, groups[0], random, persons) + several(corner, second, groups[1], random, persons)
    return facts, groups[1][0]


def _impossible(fact: Fact, facts: Sequence[Fact], random: Random) -> Question:
    """What the paragraph tells of others only: the other relation of the fact's person."""
    plausible = random.choice([one for one in facts if one.relation != fact.relation and one.person != fact.person])
    return Question("ask", Fact(plausible.relation, fact.person, plausible.value), facts.index(plausible), False)


def _articles(
    name: str,
    found: Sequence[Passage],
    context: Language,
    asked: Language,
    second: bool = False,
    numbered: bool = False,
) -> list[dict[str, Any]]:
    """SQuAD's articles; ids are digests of name and number, or ``numbered`` after it as TyDiQA's are."""
    paragraphs = []
    for place, passage in enumerate(found):
        text = told(context, [sentence(context, fact, style) for fact, style in passage.facts])
        qas = []
        for number, question in enumerate(passage.questions):
            id = f"{name}-{place}-{number}"
            qas.append(_qa(id if numbered else sha256(id.encode()).hexdigest()[:24], question, text, asked, second))
        paragraphs.append({"context": text.text, "qas": qas})
    starts = range(0, len(paragraphs), PARAGRAPHS)
    return [
        {"title": f"People {1 + at // PARAGRAPHS}", "paragraphs": paragraphs[at : at + PARAGRAPHS]} for at in starts
    ]


def _qa(id: str, question: Question, text: Told, asked: Language, second: bool) -> dict[str, Any]:
    span = text.spans[question.place][ASKED_FOR[question.style] or RELATIONS[question.fact.relation].slot]
    answers = [{"text": span.text, "answer_start": span.start}]
    found = {"id": id, "question": text_of(asked, sentence(asked, question.fact, question.style))}
    if not second:
        return found | {"answers": answers}
    if question.possible:
        return found | {"answers": answers, "is_impossible": False}
    return found | {"plausible_answers": answers, "answers": [], "is_impossible": True}


def _json(version: str, articles: list[dict[str, Any]]) -> str:
    return json.dumps({"version": version, "data": articles}, ensure_ascii=False)
