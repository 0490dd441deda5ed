"""What there is in the world and what can be true of it, dealt into pools that share no pair of a person and a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from types import MappingProxyType
from typing import TypeVar

Choice = TypeVar("Choice")

WOMEN = tuple(
    "anna maria sara lina nora mina emma vera lea ada tina diana laura mona nina olga "
    "eva_lind rosa_tal julia_berg clara_sol".split()
)
MEN = tuple(
    "adam david omar leo ivan tom max peter mark daniel samir karim felix oscar ali martin "
    "paul_moor hugo_dal simon_rey victor_kan".split()
)
LISTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": WOMEN + MEN,
        "city": tuple(
            "arlen belora dovan elvar fanor galdo hadra ilvan joruna kelva lumar mirova noveda orlan pellin rasko "
            "solen tarsk ultava velda vinda yarin zorin bruna kasmo morva "
            "san_luro el_nara santa_mila monte_kalo port_ava rio_tano".split()
        ),
        "org": tuple(
            "orbex nordia velto sunora katron limasa "
            "helio_bank alma_school terra_museum luna_theatre delta_hotel prima_radio".split()
        ),
        "job": tuple(
            "teacher doctor baker farmer painter singer driver writer pilot judge lawyer cook gardener tailor carpenter "
            "dentist".split()
        ),
        "food": tuple(
            "bread rice soup fish cheese cake honey chocolate pasta salad pizza potatoes beans bananas apples eggs".split()
        ),
        "animal": tuple(
            "dog cat horse cow goat sheep duck hen rabbit turtle donkey camel pigeon parrot monkey mouse".split()
        ),
        "colour": tuple("red blue green yellow black white brown grey pink purple golden silver".split()),
        "instrument": tuple(
            "guitar piano violin flute drum trumpet harp accordion cello clarinet organ saxophone".split()
        ),
        "object": tuple(
            "lamp table chair clock bag knife hat mirror bicycle ladder carpet bed pot camera coat basket".split()
        ),
        "year": tuple(str(year) for year in range(1940, 1988, 2)),
        "number": tuple(str(ten + unit) for ten in (10, 20, 30, 40) for unit in (5, 6, 8, 9)),
    }
)
"""List -> keys, the same in every language file; years and numbers are digits everywhere, and in no file.

The numbers are such that a language with several plurals needs one of them.
"""
NUMERALS = ("year", "number")
GENDER: Mapping[str, str] = MappingProxyType(dict.fromkeys(WOMEN, "f") | dict.fromkeys(MEN, "m"))


@dataclass(frozen=True)
class Relation:
    """What may hold between a person and a value."""

    values: str
    """The list of its values."""
    slot: str
    """What templates call the value."""
    one: bool
    """A person has but one value, so that another one contradicts it."""


RELATIONS: Mapping[str, Relation] = MappingProxyType(
    {
        "lives": Relation("city", "city", True),
        "summer": Relation("city", "city", True),
        "born": Relation("year", "year", True),
        "job": Relation("job", "job", True),
        "work": Relation("org", "org", True),
        "food": Relation("food", "food", True),
        "car": Relation("colour", "colour", True),
        "books": Relation("number", "number", True),
        "pet": Relation("animal", "animal", False),
        "plays": Relation("instrument", "instrument", False),
        "bought": Relation("object", "object", False),
        "helped": Relation("person", "friend", False),
    }
)
POOLS = ("train", "validation", "test", "text")
HELD_OUT_TEXT = "text_validation"
"""A pool cut from that of running text."""
_CLASSES = len(POOLS)
_HELD_OUT = 8
"""Of running text one pair in so many validates."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation between a person and a value, all three as keys."""

    relation: str
    person: str
    value: str


@dataclass(frozen=True)
class Corner:
    """People and values every pair of which belongs to the same pool, so that any may be said, truly or not."""

    persons: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    """Relation -> values."""


def pool_of(fact: Fact) -> str:
    """The pool of a fact: it depends on the person and the value alone, whatever their relation."""
    values = RELATIONS[fact.relation].values
    person, value = LISTS["person"].index(fact.person), LISTS[values].index(fact.value)
    pool = POOLS[(person + value) % _CLASSES]
    held_out = pool == "text" and (person // _CLASSES + value // _CLASSES) % _HELD_OUT == 0
    return HELD_OUT_TEXT if held_out else pool


@cache
def corners(pool: str) -> tuple[Corner, ...]:
    """The four corners of one of the pools for tasks; together they hold all its pairs, and each person once."""
    number = POOLS.index(pool)
    return tuple(
        Corner(
            LISTS["person"][first::_CLASSES],
            {name: LISTS[one.values][(number - first) % _CLASSES :: _CLASSES] for name, one in RELATIONS.items()},
        )
        for first in range(_CLASSES)
    )


@cache
def facts_of(pool: str, relation: str = "") -> tuple[Fact, ...]:
    """All facts of a pool, or those of one relation."""
    return tuple(fact for fact, where in _dealt() if where == pool and relation in ("", fact.relation))


@cache
def _dealt() -> tuple[tuple[Fact, str], ...]:
    facts = (
        Fact(name, person, value)
        for name, relation in RELATIONS.items()
        for person in LISTS["person"]
        for value in LISTS[relation.values]
        if value != person
    )
    return tuple((fact, pool_of(fact)) for fact in facts)


def of_one_gender(corner: Corner, count: int, random: Random) -> tuple[str, ...]:
    """So many women or so many men, about whom a language says the same things in the same words."""
    gender = random.choice(("f", "m"))
    return tuple(random.sample([person for person in corner.persons if GENDER[person] == gender], count))


def several(
    corner: Corner, relation: str, persons: Sequence[str], random: Random, others: Sequence[str] = ()
) -> list[Fact]:
    """A fact of the relation about each of the persons, no value twice; nobody told of, ``others`` too, is a value."""
    free = [value for value in corner.values[relation] if value not in persons and value not in others]
    values = random.sample(free, len(persons))
    return [Fact(relation, person, value) for person, value in zip(persons, values, strict=True)]


def couple(pool: str, name: str, random: Random) -> tuple[str, str]:
    """Two keys of a list that belong together, in either order, in this pool alone."""
    first = random.randrange(_CLASSES)
    one = random.choice(LISTS[name][first::_CLASSES])
    others = LISTS[name][(POOLS.index(pool) - first) % _CLASSES :: _CLASSES]
    return one, random.choice([other for other in others if other != one])


def most(corner: Corner, relation: str) -> int:
    """About how many people a relation can be told with different values: four, or three where values are few."""
    return 3 if relation == "helped" else min(4, len(corner.values[relation]))


def stream(seed: int, *names: str) -> Random:
    """A source of chance of its own for each task, split and whatever else is named."""
    return Random("/".join((str(seed), *names)))


def balanced(choices: Sequence[Choice], count: int, random: Random) -> list[Choice]:
    """So many of them in random order, each as often as another or once more."""
    found = [choices[number % len(choices)] for number in range(count)]
    random.shuffle(found)
    return found
