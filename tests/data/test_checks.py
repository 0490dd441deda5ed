"""What is refused in an example of each shape, and in a split as a whole."""

from dataclasses import replace

import pytest

from stilts_xl.core.example import (
    Answer,
    ChoiceExample,
    Example,
    PairExample,
    SentenceExample,
    SpanExample,
    TagExample,
    TextExample,
)
from stilts_xl.data.checks import FAULTS, UNLABELLED, Expected, fault, fault_of_split, unlabelled

PAIR = PairExample("1", "1", "a", "b", "yes")
SPAN = SpanExample("1", "1", "en", "Where?", "In Rome.", (Answer("Rome", 3),))
IMPOSSIBLE = replace(SPAN, answers=(), impossible=True)
TAG = TagExample("1", "1", ("Sea", "air"), ("NOUN", "NOUN"))
CHOICE = ChoiceExample("1", "1", "It rains, so", ("we stay.", "we go."), 0)
QUERY = SentenceExample("1", "1", "eins", True, ("1",))
CANDIDATE = SentenceExample("1", "1", "one", False, None)
TEXT = TextExample("1", "1", "de", "eins", "")
PARALLEL = replace(TEXT, translation="one")
GOOD = (PAIR, SPAN, IMPOSSIBLE, TAG, CHOICE, QUERY, CANDIDATE, TEXT, PARALLEL)


def found(example: Example, train: bool = False, labels: tuple[str, ...] = (), first: Example | None = None) -> str:
    """The fault of an example; it is the first of its split unless another one is given."""
    return fault(example, Expected(labels, train, first or example))


def test_every_shape_of_example_is_checked() -> None:
    assert set(FAULTS) == set(UNLABELLED) == set(Example.__args__)


@pytest.mark.parametrize("example", GOOD, ids=lambda example: type(example).__name__)
def test_nothing_is_wrong_with_a_sound_example_that_trains(example: Example) -> None:
    assert found(example, train=True) == ""
    assert not unlabelled(example)


HIDDEN = (
    (replace(PAIR, label=None), "expected a label, found none"),
    (replace(SPAN, answers=()), "expected an answer, found none"),
    (replace(TAG, tags=None), "expected a tag for each word, found none"),
    (replace(CHOICE, label=None), "expected a label, found none"),
)


@pytest.mark.parametrize(("example", "expected"), HIDDEN, ids=[type(example).__name__ for example, _ in HIDDEN])
def test_hidden_labels_are_kept_as_such_and_refused_in_training(example: Example, expected: str) -> None:
    assert unlabelled(example)
    assert found(example) == ""
    assert found(example, train=True) == expected


def test_a_query_without_a_translation_is_labelled_and_one_whose_translation_is_hidden_is_not() -> None:
    assert not unlabelled(replace(QUERY, gold=()))
    assert unlabelled(replace(QUERY, gold=None))
    assert not unlabelled(CANDIDATE)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (replace(PAIR, text_a=None), "expected two texts, found None"),
        (replace(PAIR, text_a=" ", text_b=""), "expected two texts, found both empty"),
        (replace(SPAN, question=5), "expected a question and its context, found 5"),
        (
            replace(SPAN, answers=(Answer("Oslo", -1),)),
            "expected the answer in its context, found 'Oslo' nowhere in it",
        ),
        (replace(SPAN, impossible=True), "expected no answer to an impossible question, found 'Rome'"),
        (replace(TAG, words=(), tags=()), "expected a sentence, found no words"),
        (replace(TAG, words=("Sea", " ")), "expected words with text, found ' '"),
        (replace(TAG, tags=("NOUN",)), "expected a tag for each of 2 words, found 1"),
        (replace(CHOICE, options=("we stay.",)), "expected two options or more, found 1"),
        (replace(CHOICE, options=("we stay.", "")), "expected a prompt and its options, found one that is empty"),
        (replace(CHOICE, options=("we stay.", None)), "expected a prompt and its options, found None"),
        (replace(CHOICE, label=2), "expected a label from 0 to 1, found 2"),
        (replace(CHOICE, label=-1), "expected a label from 0 to 1, found -1"),
        (replace(CHOICE, label="0"), "expected a label from 0 to 1, found '0'"),
        (replace(QUERY, text=" "), "expected a sentence, found none"),
        (replace(CANDIDATE, gold=("1",)), "expected no translation of a candidate, found ('1',)"),
        (replace(TEXT, text=""), "expected text, found none"),
        (replace(TEXT, text=None), "expected text, found None"),
    ],
)
def test_what_cannot_be_right_is_said(example: Example, expected: str) -> None:
    assert found(example) == expected


def test_labels_and_tags_must_be_the_tasks_where_it_has_any() -> None:
    assert found(PAIR, labels=("yes", "no")) == ""
    assert found(PAIR, labels=("no", "maybe")) == "expected a label of no, maybe, found 'yes'"
    assert found(TAG, labels=("VERB", "ADJ")) == "expected a label of VERB, ADJ, found 'NOUN'"
    many = tuple(f"T{number}" for number in range(1363))
    assert found(TAG, labels=many) == "expected a label of T0, T1, T2, T3, T4 … (1,363 in all), found 'NOUN'"


def test_all_examples_of_a_split_have_as_many_options_as_the_first_and_a_translation_if_it_has_one() -> None:
    three = replace(CHOICE, options=("a", "b", "c"))
    assert found(CHOICE, first=three) == "expected 3 options as in the first example, found 2"
    assert found(PARALLEL, first=TEXT) == "expected a translation with every line or with none, found both"
    assert found(TEXT, first=PARALLEL) == "expected a translation with every line or with none, found both"


def test_ids_occur_once_in_a_split_that_is_predicted_and_once_on_each_side_of_a_search() -> None:
    twice = [PAIR, replace(PAIR, id="2"), PAIR]
    assert fault_of_split(twice, train=False) == "expected ids that occur once, found '1' twice"
    assert fault_of_split(twice, train=True) == ""
    assert fault_of_split([QUERY, CANDIDATE], train=False) == ""
    assert fault_of_split([QUERY, CANDIDATE, CANDIDATE], train=False) == "expected ids that occur once, found '1' twice"


def test_a_search_needs_both_sides_and_its_translations_among_the_candidates() -> None:
    assert fault_of_split([QUERY], train=False) == "expected queries and candidates, found queries only"
    assert fault_of_split([CANDIDATE], train=False) == "expected queries and candidates, found candidates only"
    lost = replace(QUERY, gold=("1", "7"))
    expected = "expected the translation of a query among the candidates, found no '7'"
    assert fault_of_split([lost, CANDIDATE], train=False) == expected
