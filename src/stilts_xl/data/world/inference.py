"""Premises and hypotheses: MultiNLI, SNLI, ANLI and XNLI."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from stilts_xl.data.world.facts import RELATIONS, Fact, corners, of_one_gender, several, stream
from stilts_xl.data.world.language import Language
from stilts_xl.data.world.render import sentence, text_of, told
from stilts_xl.data.world.world import Files, Languages, World, jsonl, present, tsv
from stilts_xl.tasks.languages import XNLI
from stilts_xl.tasks.rows import NLI_LABELS

ONE = tuple(name for name, relation in RELATIONS.items() if relation.one)
"""Relations of which another value is a contradiction."""
ROUNDS = {1: 3, 2: 4, 3: 5}
"""Round of ANLI -> facts in a context."""
SAID = ("say", "also", "not")
"""Styles of a hypothesis."""


@dataclass(frozen=True)
class Inference:
    """A premise, a hypothesis and the label of the two, in no language yet."""

    premise: tuple[tuple[Fact, str], ...]
    hypothesis: tuple[Fact, str]
    label: str


def inference_files(world: World, languages: Languages) -> Files:
    """The files of all tasks of this kind."""
    for english in present(("en",), languages):
        yield from _mnli(world, english)
        yield from _snli(world, english)
        yield from _anli(world, english)
    for split, stem in (("validation", "dev"), ("test", "test")):
        parallel = list(inferences("xnli", world, split, world.rows(split)))
        for language in present(XNLI, languages):
            yield f"xnli/{stem}-{language.code}.tsv", tsv((*texts(language, one), one.label) for one in parallel)


def texts(language: Language, one: Inference) -> tuple[str, str]:
    """Premise and hypothesis."""
    premise = told(language, [sentence(language, *part) for part in one.premise])
    return premise.text, text_of(language, sentence(language, *one.hypothesis))


def inferences(task: str, world: World, split: str, rows: int, facts: int = 3) -> Iterator[Inference]:
    """So many rows, three neighbours with the same premise and the three labels in some order."""
    random = stream(world.seed, task, split)
    while rows > 0:
        yield from _triple(split, random, facts)[:rows]
        rows -= len(NLI_LABELS)


def _triple(pool: str, random: Random, facts: int) -> list[Inference]:
    """A relation of two people, another one of a third, and more of either; all of one gender.

    Every hypothesis names a person, a relation and a value of the premise: what it says of them follows, is excluded,
    or is left open, and whether it is affirmed or denied is drawn for itself.
    """
    corner = random.choice(corners(pool))
    relation, other = random.choice(ONE), random.choice(list(RELATIONS))
    while other == relation:
        other = random.choice(list(RELATIONS))
    persons = of_one_gender(corner, facts, random)
    about = min(2 + random.randrange(facts - 2), 3)
    told_of = several(corner, relation, persons[:about], random, persons)
    rest = [several(corner, other, [person], random, persons)[0] for person in persons[about:]]
    premise = [(fact, random.choice(("say", "also"))) for fact in (*told_of, *rest)]
    random.shuffle(premise)
    found = []
    for label in NLI_LABELS:
        style = random.choice(SAID)
        fact = _hypothesis(label, style == "not", told_of, rest, random)
        found.append(Inference(tuple(premise), (fact, style), label))
    random.shuffle(found)
    return found


def _hypothesis(label: str, denied: bool, told_of: list[Fact], rest: list[Fact], random: Random) -> Fact:
    """What the hypothesis affirms or denies: a fact of the premise, that of one person with the value of another."""
    first, second = random.sample(told_of, 2)
    if label == "neutral":
        return Fact(first.relation, random.choice(rest).person, second.value)
    as_told = (label == "entailment") != denied
    return first if as_told else Fact(first.relation, first.person, second.value)


def _mnli(world: World, english: Language) -> Files:
    for split, stem in (("train", "train"), ("validation", "dev_matched")):
        rows = []
        for number, one in enumerate(inferences("mnli", world, split, world.rows(split))):
            prompt = str(number // len(NLI_LABELS))
            extra = {"genre": "fiction", "pairID": f"{prompt}{one.label[0]}", "promptID": prompt}
            rows.append(_official(english, one) | extra)
        yield f"mnli/multinli_1.0/multinli_1.0_{stem}.jsonl", jsonl(rows)


def _snli(world: World, english: Language) -> Files:
    for split, stem in (("train", "train"), ("validation", "dev"), ("test", "test")):
        rows = []
        for number, one in enumerate(inferences("snli", world, split, world.rows(split))):
            caption = f"{number // len(NLI_LABELS)}.jpg#0"
            rows.append(_official(english, one) | {"captionID": caption, "pairID": f"{caption}r1{one.label[0]}"})
        yield f"snli/snli_1.0/snli_1.0_{stem}.jsonl", jsonl(rows)


def _official(english: Language, one: Inference) -> dict[str, Any]:
    """What rows of MultiNLI and SNLI have in common."""
    premise, hypothesis = texts(english, one)
    parses = dict.fromkeys(
        ("sentence1_binary_parse", "sentence1_parse", "sentence2_binary_parse", "sentence2_parse"), ""
    )
    labels: dict[str, Any] = {"annotator_labels": [one.label], "gold_label": one.label}
    return labels | {"sentence1": premise, "sentence2": hypothesis} | parses


def _anli(world: World, english: Language) -> Files:
    """The rows are divided among the rounds, whose contexts grow longer."""
    for split, stem in (("train", "train"), ("validation", "dev"), ("test", "test")):
        whole = len(NLI_LABELS) * (world.rows(split) // (len(NLI_LABELS) * len(ROUNDS)))
        for number, facts in ROUNDS.items():
            rows = []
            share = whole if number < len(ROUNDS) else world.rows(split) - whole * (len(ROUNDS) - 1)
            for place, one in enumerate(inferences(f"anli-{number}", world, split, share, facts)):
                context, hypothesis = texts(english, one)
                row = {"uid": f"r{number}-{stem}-{place}", "context": context, "hypothesis": hypothesis}
                rows.append(row | {"label": one.label[0], "genre": "wikipedia", "reason": "", "tag": ""})
            yield f"anli/anli_v1.0/R{number}/{stem}.jsonl", jsonl(rows)
