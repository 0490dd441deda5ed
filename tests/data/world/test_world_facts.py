"""The pools share no pair of a person and a value, and each of them has every person and every value."""

from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.data.world.facts import (
    HELD_OUT_TEXT,
    LISTS,
    POOLS,
    RELATIONS,
    Fact,
    balanced,
    corners,
    couple,
    facts_of,
    pool_of,
    several,
)

ALL = (*POOLS, HELD_OUT_TEXT)


def pairs(pool: str) -> set[tuple[str, str, str]]:
    return {(RELATIONS[fact.relation].values, fact.person, fact.value) for fact in facts_of(pool)}


def test_no_two_pools_share_a_pair_of_a_person_and_a_value():
    for one, other in combinations(ALL, 2):
        assert not pairs(one) & pairs(other)


def test_the_pools_hold_every_fact_once():
    every = [fact for pool in ALL for fact in facts_of(pool)]
    people = LISTS["person"]
    assert len(every) == len(set(every))
    assert len(every) == len(people) * sum(len(LISTS[one.values]) for one in RELATIONS.values()) - len(people)


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_has_every_person_and_every_value(pool):
    assert {fact.person for fact in facts_of(pool)} == set(LISTS["person"])
    for name, relation in RELATIONS.items():
        assert {fact.value for fact in facts_of(pool, name)} == set(LISTS[relation.values])


def test_every_list_can_be_dealt_into_equal_parts():
    assert all(len(keys) % len(POOLS) == 0 and len(set(keys)) == len(keys) for keys in LISTS.values())


@pytest.mark.parametrize("pool", POOLS)
def test_any_pair_of_a_corner_belongs_to_its_pool(pool):
    for corner in corners(pool):
        for relation, values in corner.values.items():
            found = {pool_of(Fact(relation, *pair)) for pair in product(corner.persons, values)}
            assert found <= ({"text", HELD_OUT_TEXT} if pool == "text" else {pool})


@given(st.sampled_from(POOLS), st.sampled_from(["person", "city"]), st.integers())
def test_two_of_a_list_belong_together_in_one_pool_whatever_their_order(pool, name, seed):
    one, other = couple(pool, name, Random(seed))
    places = [LISTS[name].index(key) for key in (one, other)]
    assert one != other and POOLS[sum(places) % len(POOLS)] == pool


@given(st.sampled_from(POOLS), st.sampled_from(list(RELATIONS)), st.integers())
def test_several_people_have_several_values_and_none_is_the_value_of_another(pool, relation, seed):
    random = Random(seed)
    corner = random.choice(corners(pool))
    persons = random.sample(corner.persons, 3)
    found = several(corner, relation, persons, random)
    assert [fact.person for fact in found] == persons
    assert len({fact.value for fact in found}) == 3 and not {fact.value for fact in found} & set(persons)


@given(st.integers(1, 5), st.integers(0, 40), st.integers())
def test_balanced_choices_differ_by_one_at_most(kinds, count, seed):
    found = balanced(range(kinds), count, Random(seed))
    counts = [found.count(kind) for kind in range(kinds)]
    assert len(found) == count and max(counts) - min(counts) <= 1
