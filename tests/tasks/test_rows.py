"""Row functions that tasks share: where an answer stands, and what an NLI label means."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_xl.core.example import PairExample
from stilts_xl.tasks.rows import nli, relocate

letters = st.text("ab ", max_size=12)


@settings(database=None, deadline=None)
@given(context=letters, text=st.text("ab ", min_size=1, max_size=4), start=st.integers(-20, 20))
def test_a_relocated_answer_stands_at_the_nearest_place_that_holds_it(context: str, text: str, start: int) -> None:
    places = [place for place in range(len(context)) if context.startswith(text, place)]
    found = relocate(context, text, start)
    if places:
        assert found in places
        assert abs(found - start) == min(abs(place - start) for place in places)
    else:
        assert found == -1


def pair(label: Any) -> PairExample | None:
    """A pair with this label."""
    return nli("premise", "hypothesis", "label")({"premise": "a", "hypothesis": "b", "label": label, "row": 5}, "en")


@pytest.mark.parametrize(("label", "name"), [(0, "entailment"), (1, "neutral"), (2, "contradiction")])
def test_an_integer_label_has_the_name_of_the_hubs_order(label: int, name: str) -> None:
    assert pair(label) == PairExample("5", "1", "a", "b", name)


@pytest.mark.parametrize("label", ["-", -1])
def test_a_pair_without_a_majority_is_no_example(label: Any) -> None:
    assert pair(label) is None


@pytest.mark.parametrize("label", [3, -2])
def test_an_integer_that_names_no_label_is_kept_for_the_checks_to_refuse(label: int) -> None:
    assert pair(label) == PairExample("5", "1", "a", "b", str(label))
