"""Row functions that tasks share: where an answer stands, and what an NLI label means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.example import Answer, ChoiceExample, PairExample
from stilts_xl.data.hub import COMMIT
from stilts_xl.tasks.catalog import all_tasks
from stilts_xl.tasks.rows import nli, question, question_or_none, relocate
from stilts_xl.tasks.rows_choice import alternatives, index_of, text

letters = st.text("ab ", max_size=12)


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


def test_the_cluster_is_a_triple_of_rows_or_what_the_task_says() -> None:
    row = {"premise": "a", "hypothesis": "b", "label": 0, "row": 5, "caption": "c7"}
    by_caption = nli("premise", "hypothesis", "label", cluster=lambda row: str(row["caption"]))
    triples = [nli("premise", "hypothesis", "label")({**row, "row": number}, "en") for number in range(6)]
    assert [pair.cluster for pair in triples if pair] == ["0", "0", "0", "1", "1", "1"]
    assert by_caption(row, "en") == PairExample("5", "c7", "a", "b", "entailment")


def asked(answers: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    """A question about a sentence."""
    return {"id": "q", "paragraph": "0/0", "context": "Bees fly.", "question": "Who?", "answers": answers, **more}


NONE: dict[str, list[Any]] = {"text": [], "answer_start": []}
BEES: dict[str, list[Any]] = {"text": ["Bees"], "answer_start": [0]}


def test_a_file_says_whether_a_question_has_no_answer() -> None:
    assert question_or_none(asked(NONE, is_impossible=True), "en").impossible
    example = question_or_none(asked(BEES, is_impossible=False), "en")
    assert not example.impossible
    assert example.answers == (Answer("Bees", 0),)


def test_a_file_that_contradicts_itself_is_handed_on_for_the_checks_to_refuse() -> None:
    assert question_or_none(asked(BEES, is_impossible=True), "en").answers
    assert not question_or_none(asked(NONE, is_impossible=False), "en").impossible


def test_a_copy_without_the_mark_has_no_answer_where_it_gives_none() -> None:
    assert question_or_none(asked(NONE), "en").impossible
    assert not question_or_none(asked(BEES), "en").impossible


def test_in_squad_v2_any_question_may_be_said_to_have_no_answer_and_in_v1_none() -> None:
    assert question_or_none(asked(BEES, is_impossible=False), "en").optional
    assert not question(asked(BEES), "en").optional


def test_a_hidden_answer_of_squad_v1_is_not_the_absence_of_one() -> None:
    example = question(asked({"text": [""], "answer_start": [0]}), "en")
    assert (example.answers, example.impossible) == ((), False)


@pytest.mark.parametrize("label", [None, "", -1, "-1"])
def test_a_hidden_label_is_no_index(label: Any) -> None:
    assert index_of(label, ("0", "1")) is None


@given(st.integers(1, 6).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count - 1))))
def test_an_integer_and_its_digits_name_the_same_option(drawn: tuple[int, int]) -> None:
    count, place = drawn
    names = [str(number) for number in range(count)]
    assert index_of(place, names) == index_of(str(place), names) == place


@pytest.mark.parametrize("label", [2, "2", -2, "A", "0.0", 1.0, ["0"]])
def test_a_label_that_names_no_option_is_refused_with_the_names_there_are(label: Any) -> None:
    with pytest.raises(ValueError, match="beside options named 0, 1"):
        index_of(label, ("0", "1"))


@pytest.mark.parametrize("value", [None, 3, ["a"]])
def test_what_is_no_text_is_not_joined_to_any(value: Any) -> None:
    with pytest.raises(ValueError, match="as 'premise', which is no text"):
        text({"premise": value}, "premise")


def premise(**more: Any) -> dict[str, Any]:
    """A row of COPA."""
    row = {"premise": "It thundered.", "choice1": "The dog hid.", "choice2": "The dog sang.", "question": "effect"}
    return {**row, "label": 0, "idx": 7, "row": 3, **more}


@pytest.mark.parametrize("asked_for", ["cause", "effect"])
def test_a_premise_is_followed_by_the_question_for_its_cause_or_effect(asked_for: str) -> None:
    example = alternatives(premise(question=asked_for), "en")
    options = ("The dog hid.", "The dog sang.")
    assert example == ChoiceExample("7", "7", f"It thundered. What was the {asked_for}?", options, 0)


def test_a_premise_of_a_test_set_has_no_label() -> None:
    hidden = {name: value for name, value in premise().items() if name != "label"}
    assert alternatives(hidden, "en").label is None
    assert alternatives(premise(label=-1), "en").label is None


def test_another_question_than_for_cause_or_effect_is_refused() -> None:
    with pytest.raises(ValueError, match="'reason', which is neither 'cause' nor 'effect'"):
        alternatives(premise(question="reason"), "en")


def test_every_hub_copy_is_pinned_to_a_commit_but_one_that_was_only_offered_to_its_publisher() -> None:
    revisions = {task.name: task.hub.revision for task in all_tasks().values() if task.hub is not None}
    assert {name for name, revision in revisions.items() if not COMMIT.fullmatch(revision)} == {"cosmosqa"}
