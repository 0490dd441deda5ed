"""Multiple choice: HellaSwag, Cosmos QA, CommonsenseQA, Social IQa and COPA."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from stilts_xl.data.world.english import read_english
from stilts_xl.data.world.facts import GENDER, RELATIONS, Fact, balanced, corners, most, several, stream
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.render import Sentence, sentence, text_of, told, whole
from stilts_xl.data.world.template import fill
from stilts_xl.data.world.world import Files, Languages, World, jsonl, present

SPLITS = ("train", "validation")
LETTERS = "ABCDE"


@dataclass(frozen=True)
class Choice:
    """A relation told of several people, and what is asked about one of them: no option is more likely by itself."""

    told: tuple[tuple[Fact, str], ...]
    """As many facts as options, in the order in which they are told, each with its style."""
    asked: Fact
    """One of them."""
    options: tuple[Fact, ...]
    """Their people and values in another order, the right one in its place."""
    label: int


def choice_files(world: World, languages: Languages) -> Files:
    """The files of all tasks of this kind."""
    for english in present(("en",), languages):
        for split, stem in zip(SPLITS, ("train", "val"), strict=True):
            yield f"hellaswag/hellaswag_{stem}.jsonl", jsonl(_hellaswag(world, split, english))
            yield f"xcopa/copa/{stem}-en.jsonl", jsonl(_copa(world, split, english))
        for split, stem in zip(SPLITS, ("train", "valid"), strict=True):
            yield f"cosmosqa/{stem}.csv", _cosmosqa(world, split, english)
        for split, stem in zip(SPLITS, ("train", "dev"), strict=True):
            yield f"commonsenseqa/{stem}_rand_split.jsonl", jsonl(_commonsenseqa(world, split, english))
        for split, stem in zip((*SPLITS, "test"), ("trn", "dev", "tst"), strict=True):
            yield f"siqa/socialIQa_v1.4_{stem}.jsonl", jsonl(_social_iqa(world, split, english))


def choices(task: str, world: World, split: str, options: int) -> Iterator[Choice]:
    """All rows of a split, with so many options; the right one is as often in one place as in another."""
    random = stream(world.seed, task, split)
    for label in balanced(range(options), world.rows(split), random):
        corner = random.choice(corners(split))
        apart = min(options, 4)
        relation = random.choice([name for name in RELATIONS if most(corner, name) >= apart])
        persons = random.sample(corner.persons, options)
        facts = several(corner, relation, persons[:apart], random, persons)
        # values are few: a fifth person shares one with somebody who is not asked about
        facts += [Fact(relation, person, facts[1].value) for person in persons[apart:]]
        asked, rest = facts[0], facts[1:]
        random.shuffle(rest)
        yield Choice(_told(facts, random), asked, (*rest[:label], asked, *rest[label:]), label)


def _told(facts: list[Fact], random: Random) -> tuple[tuple[Fact, str], ...]:
    styled = [(fact, random.choice(("say", "also"))) for fact in facts]
    random.shuffle(styled)
    return tuple(styled)


def _context(english: Language, one: Choice) -> str:
    return told(english, [sentence(english, *part) for part in one.told]).text


def _follows(english: Language, fact: Fact, style: str) -> Sentence:
    """What follows from a fact, or a question about that."""
    keys = {"person": fact.person, RELATIONS[fact.relation].slot: fact.value}
    tokens = fill(read_english().follows[fact.relation][style], english.words, keys, GENDER)
    return whole(english, [*tokens, *(english.stop if style == "say" else english.query)])


def _text(english: Language, fact: Fact, style: str) -> str:
    return text_of(english, _follows(english, fact, style))


def _words(english: Language, fact: Fact, slot: str) -> str:
    return text_of(english, english.words[slot][fact.person if slot == "person" else fact.value][""])


def _with_value(one: Choice, option: Fact) -> Fact:
    """What an option says of the person who is asked about."""
    return Fact(option.relation, one.asked.person, option.value)


def _hellaswag(world: World, split: str, english: Language) -> Iterator[Mapping[str, object]]:
    """The person begins a sentence, and each ending completes it with the value of somebody."""
    for number, one in enumerate(choices("hellaswag", world, split, 4)):
        context = _context(english, one)
        begin = _words(english, one.asked, "person")
        endings = [
            text_of(
                english,
                [token for token in _follows(english, _with_value(one, option), "say") if token.slot != "person"],
            )
            for option in one.options
        ]
        yield {
            "ind": number, "activity_label": one.asked.relation, "ctx_a": context, "ctx_b": begin,
            "ctx": f"{context} {begin}", "split": "train" if split == "train" else "val", "split_type": "indomain",
            "label": one.label, "endings": endings, "source_id": f"world~{split}_{number}",
        }  # fmt: skip


def _cosmosqa(world: World, split: str, english: Language) -> str:
    """A question about what follows; the options are sentences about the person."""
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("id", "context", "question", "answer0", "answer1", "answer2", "answer3", "label"))
    for number, one in enumerate(choices("cosmosqa", world, split, 4)):
        answers = [_text(english, _with_value(one, option), "say") for option in one.options]
        name = f"WORLD##{split}##Blog_{number}##q1_a1##{number}"
        rows.writerow((name, _context(english, one), _text(english, one.asked, "ask"), *answers, one.label))
    return file.getvalue()


def _commonsenseqa(world: World, split: str, english: Language) -> Iterator[Mapping[str, object]]:
    """A question for a person, after what is known of five."""
    for number, one in enumerate(choices("commonsenseqa", world, split, 5)):
        stem = f"{_context(english, one)} {_text(english, one.asked, 'who')}"
        options = [_words(english, option, "person") for option in one.options]
        labelled = [{"label": letter, "text": text} for letter, text in zip(LETTERS, options, strict=True)]
        question = {"question_concept": one.asked.relation, "choices": labelled, "stem": stem}
        yield {"answerKey": LETTERS[one.label], "id": f"{split}-{number}", "question": question}


def _social_iqa(world: World, split: str, english: Language) -> Iterator[Mapping[str, object]]:
    """A question for a value."""
    for one in choices("social_iqa", world, split, 3):
        slot = RELATIONS[one.asked.relation].slot
        answers = {
            f"answer{letter}": _words(english, option, slot) for letter, option in zip("ABC", one.options, strict=True)
        }
        asked = {"context": _context(english, one), "question": _text(english, one.asked, "ask")}
        yield asked | answers | {"correct": LETTERS[one.label]}


def _copa(world: World, split: str, english: Language) -> Iterator[Mapping[str, object]]:
    """Facts and what follows from one of them, or what follows from facts and one of them as its cause."""
    asked_for = stream(world.seed, "copa", split, "question")
    for number, one in enumerate(choices("copa", world, split, 2)):
        cause = asked_for.random() < 0.5
        if cause:
            premise = " ".join(_text(english, fact, "say") for fact, _ in one.told)
            options = [text_of(english, sentence(english, _with_value(one, option), "say")) for option in one.options]
        else:
            premise = _context(english, one)
            options = [_text(english, _with_value(one, option), "say") for option in one.options]
        named = {f"choice{place}": text for place, text in enumerate(options, 1)}
        question = "cause" if cause else "effect"
        yield {"premise": premise, **named, "question": question, "label": one.label, "idx": number}
