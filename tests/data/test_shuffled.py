"""Shuffled labels: the same texts, as many of each label, and nothing left that ties the one to the other."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.example import Answer, ChoiceExample, PairExample, SpanExample, TagExample, TextExample
from stilts_xl.data.shuffled import shuffled_labels

PAIRS = [PairExample(f"{n}", f"{n}", f"premise {n}", "hypothesis", "ab"[n % 2]) for n in range(40)]
CHOICES = [ChoiceExample(f"{n}", f"{n}", "prompt", ("one", "two", "three"), n % 3) for n in range(30)]
TAGGED = [TagExample("0", "0", tuple("abcdef"), tuple("UVWXYZ")), TagExample("1", "1", ("g",), ("N",))]
PASSAGE = "The  old man\tlives by the sea ."


def question(number: int, answer: str) -> SpanExample:
    answers = (Answer(answer, PASSAGE.index(answer)),) if answer else ()
    return SpanExample(f"{number}", "0", "en", f"question {number}", PASSAGE, answers, not answer, True)


@pytest.mark.parametrize("examples", [PAIRS, CHOICES])
def test_labels_change_owners_and_keep_their_numbers(examples) -> None:
    found = shuffled_labels(examples, 1)
    assert Counter(one.label for one in found) == Counter(one.label for one in examples)
    assert [one.id for one in found] == [one.id for one in examples]
    assert sum(one.label != before.label for one, before in zip(found, examples, strict=True)) > len(examples) / 4


def test_tags_stay_in_their_sentence() -> None:
    first, second = shuffled_labels(TAGGED, 1)
    assert first.tags != TAGGED[0].tags
    assert sorted(first.tags) == sorted(TAGGED[0].tags)
    assert second == TAGGED[1]


def test_a_seed_always_shuffles_alike_and_another_one_otherwise() -> None:
    assert shuffled_labels(PAIRS, 1) == shuffled_labels(PAIRS, 1)
    assert shuffled_labels(PAIRS, 1) != shuffled_labels(PAIRS, 2)


@given(st.lists(st.sampled_from(["The  old man", "sea", "lives by", ".", ""]), min_size=1), st.integers())
def test_an_answer_becomes_a_stretch_of_the_passage_with_as_many_words(answers, seed) -> None:
    examples = [question(number, answer) for number, answer in enumerate(answers)]
    found = shuffled_labels(examples, seed)
    lengths = Counter(len(answer.split()) for answer in answers)
    assert Counter(sum(len(answer.text.split()) for answer in one.answers) for one in found) == lengths
    for one in found:
        assert one.impossible == (not one.answers)
        for answer in one.answers:
            assert one.context[answer.start : answer.start + len(answer.text)] == answer.text
            assert answer.text == answer.text.strip()


def test_answers_are_drawn_from_the_whole_passage() -> None:
    drawn = {shuffled_labels([question(0, "sea")], seed)[0].answers[0].text for seed in range(200)}
    assert drawn == set(PASSAGE.split())


def test_running_text_has_nothing_to_shuffle() -> None:
    with pytest.raises(ValueError, match="no labels"):
        shuffled_labels([TextExample("0", "0", "en", "text", "")], 1)
