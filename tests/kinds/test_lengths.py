"""No kind makes a sequence, or a segment of one, that is longer than max_length, and none loses an example."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_xl.core.example import (
    Answer,
    ChoiceExample,
    Example,
    PairExample,
    SpanExample,
    TagExample,
    TextExample,
)
from stilts_xl.core.recipe import Retrieval
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.kinds.retrieve import encode_sentences
from toys import recipe

WORDS = ("a", "Haus", "internationally", "学校学校", "x" * 40, "don't", "été")
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join)
SHORTEST = 12


def span(first: str, second: str, third: str) -> Example:
    answer = second.split()[-1]
    return SpanExample("1", "1", "en", first, second, (Answer(answer, second.rindex(answer)),))


MAKE: dict[str, Callable[[str, str, str], Example]] = {
    "classify": lambda first, second, third: PairExample("1", "1", first, second, "yes"),
    "tag": lambda first, second, third: TagExample("1", "1", (*first.split(), "x"), ("yes",) * (len(first.split()) + 1)),
    "span": span,
    "choose": lambda first, second, third: ChoiceExample("1", "1", first, (second, third), 1),
    "mlm": lambda first, second, third: TextExample("1", "1", "en", first, second),
}  # fmt: skip


def longest(encoded: Encoded) -> int:
    """Sub-tokens of the longest segment."""
    segments = encoded.segments or [[len(ids)] for ids in encoded.tokens]
    assert [sum(lengths) for lengths in segments] == encoded.lengths.tolist()
    return max(length for lengths in segments for length in lengths)


def test_every_kind_is_tried() -> None:
    assert MAKE.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("training", [True, False])
@settings(max_examples=40)
@given(texts=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=3), max_length=st.integers(SHORTEST, 90))
def test_no_segment_is_longer_than_max_length(tokenizer, kind, training, texts, max_length) -> None:
    examples = [MAKE[kind](*each) for each in texts]
    rule = recipe(max_length=max_length, max_query_length=4, stride=3)
    encoded = KINDS[kind].encode(examples, tokenizer, ("no", "yes"), rule, training)
    assert longest(encoded) <= max_length
    assert set(encoded.owner.tolist()) == set(range(len(examples)))
    if encoded.chosen is not None:
        for ids, places in zip(encoded.tokens, encoded.chosen, strict=True):
            assert len(places) and places.min() > 0 and places.max() < len(ids) - 1
    drawn = KINDS[kind].draw(encoded, np.arange(len(encoded.tokens)), rule, 3) if training else encoded
    assert longest(drawn) <= max_length
    assert drawn.lengths.tolist() == encoded.lengths.tolist()


@settings(max_examples=40)
@given(texts=st.lists(TEXT, min_size=1, max_size=3), max_length=st.integers(3, 90))
def test_no_sentence_to_search_is_longer_than_max_length(tokenizer, texts, max_length) -> None:
    encoded = encode_sentences(texts, tokenizer, Retrieval(-1, "mean", max_length, 4, "fp32", False))
    assert longest(encoded) <= max_length
    whole = [tokenizer(text)["input_ids"] for text in texts]
    assert encoded.truncated == sum(len(ids) > max_length for ids in whole)
    for found, ids in zip(encoded.tokens, whole, strict=True):
        assert found.tolist() == [*ids[: min(max_length, len(ids)) - 1], tokenizer.eos_token_id]


def test_a_sentence_of_a_thousand_words_keeps_a_tag_for_each(tokenizer) -> None:
    words = tuple(WORDS[number * 7 % 5] for number in range(1000))
    tags = tuple("yes" if number % 3 else "no" for number in range(1000))
    rule = recipe(max_length=128)
    encoded = KINDS["tag"].encode([TagExample("1", "1", words, tags)], tokenizer, ("no", "yes"), rule, True)
    assert longest(encoded) <= 128 and len(encoded.tokens) > 1
    learned = np.concatenate(encoded.targets).tolist()
    assert learned == [int(tag == "yes") for tag in tags]
    begins = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    seen = [ids[places] for ids, places in zip(encoded.tokens, encoded.chosen, strict=True)]
    assert np.concatenate(seen).tolist() == begins


def test_options_longer_than_max_length_fill_it_and_stay_apart(tokenizer) -> None:
    options = tuple(f"{word} " * 200 for word in ("Haus", "Hund"))
    encoded = KINDS["choose"].encode(
        [ChoiceExample("1", "1", "Why? " * 50, options, 0)], tokenizer, (), recipe(max_length=30), True
    )
    assert encoded.segments == [[30, 30]] and encoded.truncated == 1
    first, second = encoded.tokens[0][:30].tolist(), encoded.tokens[0][30:].tolist()
    assert first != second
    assert first[0] == second[0] == tokenizer.bos_token_id and first[-1] == second[-1] == tokenizer.eos_token_id
