"""A key is a function of what a stage means: deterministic, complete, blind to machines, and closed to what has no value."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.identity import canonical, differences, digest, dump, restore
from stilts_xl.core.place import DataPlace
from stilts_xl.core.recipe import Compute, Recipe, Retrieval
from stilts_xl.core.request import ModelChoice
from stilts_xl.core.site import Site
from stilts_xl.core.stage import LATER, NOT_IDENTITY, Data, Mixture, Predict, Pretrained, Scratch, Train, key, slug
from stilts_xl.store.record import STAGE_CLASSES
from toys import RECIPE, SCRATCH, learned, recipe, rows

OTHER_PROCESS = """
from stilts_xl.core.identity import digest
print(digest({"b": (1, 2.5, None, True), "a": {"z": "ü中", "y": []}}))
"""
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {float: NUMBERS, int: st.integers(), str: st.text(), bool: st.booleans()}
RECIPES = st.builds(Recipe, **{f.name: VALUES[f.type] for f in fields(Recipe)})
SOURCE = "sha256:" + "a" * 64


RETRIEVAL = Retrieval(layer=14, pooling="mean", max_length=512, neighbours=4, precision="bf16", curve=True)


def stages() -> list[Train | Predict | Scratch | Pretrained | Data | Mixture | Retrieval]:
    """A value of every class that a stage can hold, defaults changed where there are any."""
    data = replace(rows("squad"), limit=12, variant="mangled")
    mixture = Mixture("anli_plus", "classify", (rows("anli"), rows("mnli")))
    mined = Predict(
        rows("bucc2018", "test", "zh"), SCRATCH, retrieval=RETRIEVAL, tuning=rows("bucc2018", "validation", "zh")
    )
    first = Train(data, rows("squad", "validation"), Pretrained(SOURCE, "xlmr_large"), recipe(selection="best"))
    second = Train(rows("tydiqa"), None, first, RECIPE, revision=3)
    predicted = Predict(rows("tydiqa", "test", "te"), second, revision=2)
    mixed = Train(mixture, mixture, SCRATCH, recipe(alpha=0.3))
    return [data, SCRATCH, first.start, first, second, predicted, mixture, RETRIEVAL, mined, mixed]


def test_canonical_json_does_not_depend_on_the_order_in_which_names_were_given() -> None:
    assert dump({"b": 1, "a": 2}) == dump({"a": 2, "b": 1}) == '{"a":2,"b":1}'


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_another_process_finds_the_same_digest(hash_seed: str) -> None:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    found = subprocess.check_output([sys.executable, "-c", OTHER_PROCESS], env=environment, text=True)
    assert found.strip() == digest({"a": {"y": (), "z": "ü中"}, "b": [1, 2.5, None, True]})


def test_a_field_added_later_enters_only_where_it_differs_from_its_default() -> None:
    first = make_dataclass("Knobs", [("rate", float)], frozen=True)
    later = make_dataclass("Knobs", [("rate", float), ("turbo", int, field(default=0, metadata=LATER))], frozen=True)
    assert digest(first(0.5)) == digest(later(0.5)) == digest(later(0.5, turbo=0))
    assert digest(first(0.5)) != digest(later(0.5, turbo=1))


def test_a_limit_counts_and_its_absence_leaves_no_trace() -> None:
    data = rows("squad")
    assert "limit" not in dump(data)
    assert digest(replace(data, limit=5)) != digest(data)


def test_knobs_that_came_later_leave_the_keys_of_what_does_not_use_them() -> None:
    assert not {"alpha", "mask_probability", "no_answer_threshold", "frozen", "shuffled_labels"} & set(
        canonical(RECIPE)
    )
    assert not {"retrieval", "tuning"} & set(canonical(Predict(rows("tydiqa", "test", "te"), learned("tydiqa"))))
    assert digest(recipe(alpha=0.3)) != digest(RECIPE)


def test_fields_that_are_not_identity_never_count() -> None:
    assert key(Pretrained(SOURCE, "one name")) == key(Pretrained(SOURCE, "another name"))
    assert key(replace(SCRATCH, name="tiny")) == key(SCRATCH)
    named = make_dataclass("Named", [("value", int), ("path", Any, field(default=None, metadata=NOT_IDENTITY))])
    assert digest(named(1, path=print)) == digest(named(1))


def test_one_model_under_two_names_is_one_stage() -> None:
    one, other = (Train(rows("squad"), None, Pretrained(SOURCE, name), RECIPE) for name in ("here", "there"))
    assert one == other and len({one, other}) == 1


@dataclass
class Unfit:
    """A value with something that has no canonical form."""

    inside: Any


@pytest.mark.parametrize(
    "value",
    [print, lambda: 0, object(), Recipe, b"bytes", {1, 2}, math.nan, math.inf, -math.inf, Path("here"), 1j, {1: 2}],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_pinned_is_refused_at_any_depth(value: Any) -> None:
    for holder in (value, [value], {"a": (value,)}, Unfit(value)):
        with pytest.raises(TypeError, match="cannot be part of an identity"):
            digest(holder)


def test_minus_zero_is_zero() -> None:
    assert recipe(weight_decay=-0.0) == recipe(weight_decay=0.0)
    assert digest(recipe(weight_decay=-0.0)) == digest(recipe(weight_decay=0.0))


@pytest.mark.parametrize("value", stages(), ids=lambda value: type(value).__name__)
def test_every_stage_comes_back_from_its_record(value: Any) -> None:
    back = restore(json.loads(json.dumps(canonical(value, whole=True))), STAGE_CLASSES)
    assert back == value
    assert canonical(back, whole=True) == canonical(value, whole=True), "names that are not identity come back too"


def test_every_class_that_a_stage_can_hold_is_restored_by_the_store() -> None:
    assert reached(Train) | reached(Predict) == set(STAGE_CLASSES.values())
    assert {type(value) for value in stages()} | {Recipe} == set(STAGE_CLASSES.values())


def test_no_machine_is_reachable_from_a_stage() -> None:
    assert not (reached(Train) | reached(Predict)) & {Compute, DataPlace, Site, ModelChoice}


def reached(start: type) -> set[type]:
    """The dataclasses that values of a class can hold, at any depth, itself included."""
    found: set[type] = set()
    pending: list[Any] = [start]
    while pending:
        hint = pending.pop()
        if is_dataclass(hint) and isinstance(hint, type) and hint not in found:
            found.add(hint)
            pending += get_type_hints(hint).values()
        pending += get_args(hint)
    return found


@given(RECIPES, RECIPES)
def test_recipes_share_a_key_only_where_they_are_equal(one: Recipe, other: Recipe) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@given(RECIPES, st.data())
def test_changing_any_field_of_a_recipe_changes_the_key(one: Recipe, draw: st.DataObject) -> None:
    before = key(Train(rows("squad"), None, SCRATCH, one))
    for f in fields(Recipe):
        value = draw.draw(VALUES[f.type].filter(lambda value, f=f: value != getattr(one, f.name)), label=f.name)
        assert key(Train(rows("squad"), None, SCRATCH, replace(one, **{f.name: value}))) != before, f.name


def test_everything_else_in_a_training_changes_its_key() -> None:
    base = Train(rows("squad"), None, SCRATCH, RECIPE)
    others = [
        replace(base, data=rows("tydiqa")),
        replace(base, data=replace(base.data, revision=2)),
        replace(base, data=replace(base.data, source="sha256:other")),
        replace(base, data=replace(base.data, language="fi")),
        replace(base, validation=rows("squad", "validation")),
        replace(base, start=replace(SCRATCH, seed=8)),
        replace(base, start=base),
        replace(base, revision=2),
    ]
    assert len({key(stage) for stage in [base, *others]}) == 1 + len(others)


def test_the_rows_that_are_predicted_are_no_part_of_the_training() -> None:
    trained = learned()
    assert Predict(rows("xquad", "test", "de"), trained).model is trained
    assert "xquad" not in dump(trained)


def test_slugs_say_what_a_stage_is_and_begin_its_key() -> None:
    trained = learned("tydiqa")
    predicted = Predict(rows("tydiqa", "test", "fi"), trained)
    assert slug(trained) == f"tydiqa-{key(trained)[:8]}"
    assert slug(predicted) == f"tydiqa-fi-{key(predicted)[:8]}"


def test_differences_name_each_setting_once() -> None:
    one, other = learned(learning_rate=1e-3), learned(learning_rate=2e-3, start=learned("mnli"))
    found = {path: (left, right) for path, left, right in differences(canonical(one), canonical(other))}
    assert found["recipe.learning_rate"] == (1e-3, 2e-3)
    assert found["start.type"] == ("Scratch", "Train")
    assert not any(isinstance(value, Mapping) for path, pair in found.items() if path == "recipe" for value in pair)
    assert differences(canonical(one), canonical(one)) == []
