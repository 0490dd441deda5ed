"""Classify: one or two texts to a label."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from stilts_xl.core.example import PairExample
from stilts_xl.kinds import classify
from stilts_xl.kinds.base import Encoded
from toys import RECIPE, flat, recipe

LABELS = ("contradiction", "entailment", "neutral")


def pair(a: str, b: str = "", label: str | None = "neutral", id: str = "1") -> PairExample:
    return PairExample(id, id, a, b, label)


def encode(tokenizer, *pairs: PairExample, max_length: int = 64, training: bool = True) -> Encoded:
    return classify.encode(pairs, tokenizer, LABELS, recipe(max_length=max_length), training)


def plain(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def test_a_pair_is_bos_a_eos_eos_b_eos(tokenizer) -> None:
    found = encode(tokenizer, pair("It rains.", "The sun shines."))
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    a, b = plain(tokenizer, "It rains."), plain(tokenizer, "The sun shines.")
    assert found.tokens[0].tolist() == [bos, *a, eos, eos, *b, eos]
    assert found.truncated == 0


def test_a_single_text_is_bos_text_eos(tokenizer) -> None:
    found = encode(tokenizer, pair("It rains."))
    expected = [tokenizer.bos_token_id, *plain(tokenizer, "It rains."), tokenizer.eos_token_id]
    assert found.tokens[0].tolist() == expected


def test_single_texts_and_pairs_keep_their_places(tokenizer) -> None:
    pairs = [pair("one", "two"), pair("three"), pair("four", "five"), pair("six")]
    together = encode(tokenizer, *pairs)
    apart = [encode(tokenizer, each).tokens[0].tolist() for each in pairs]
    assert [tokens.tolist() for tokens in together.tokens] == apart
    assert together.owner.tolist() == [0, 1, 2, 3]


def test_the_longer_text_is_cut_first_and_the_cut_is_counted(tokenizer) -> None:
    long, short = "rain " * 50, "sun"
    found = encode(tokenizer, pair(long, short), pair(short, long), pair(short, short), max_length=20)
    a, b = plain(tokenizer, long), plain(tokenizer, short)
    assert found.truncated == 2
    assert [len(tokens) for tokens in found.tokens[:2]] == [20, 20]
    assert found.tokens[0].tolist()[1 : 17 - len(b)] == a[: 16 - len(b)]
    assert found.tokens[0].tolist()[-1 - len(b) : -1] == found.tokens[1].tolist()[1 : 1 + len(b)] == b


def test_targets_are_the_labels_places_in_the_task_s_order(tokenizer) -> None:
    found = encode(tokenizer, *(pair("a", "b", label) for label in ("neutral", "contradiction", "entailment")))
    assert [each.tolist() for each in found.targets] == [[2], [0], [1]]


def test_prediction_needs_no_label(tokenizer) -> None:
    found = encode(tokenizer, pair("a", "b", None), training=False)
    assert [len(each) for each in found.targets] == [0]


def test_an_unknown_label_never_becomes_a_target(tokenizer) -> None:
    with pytest.raises(ValueError, match="not in"):
        encode(tokenizer, pair("a", "b", "maybe"))


def test_the_loss_is_the_mean_cross_entropy_times_the_sequences() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    found = classify.loss(logits, flat(torch.zeros(5), [1] * 5), targets)
    torch.testing.assert_close(found, cross_entropy(logits, targets) * 5)


def test_the_loss_is_computed_in_full_precision() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.5]], dtype=torch.bfloat16)
    assert classify.loss(logits, flat(torch.zeros(1), [1]), torch.tensor([0])).dtype == torch.float32


def test_the_prediction_is_the_highest_logit_s_label_and_the_first_of_equals(tokenizer) -> None:
    pairs = [pair("a", "b", None), pair("c", "d", None)]
    encoded = encode(tokenizer, *pairs, training=False)
    outputs = list(np.array([[[0.5, 1.5, -1]], [[2, 1, 2]]], np.float32))
    found = classify.decode(pairs, encoded, outputs, tokenizer, LABELS, RECIPE)
    assert [(each.prediction, each.score) for each in found] == [("entailment", 1.5), ("contradiction", 2.0)]
    assert classify.gold(pairs[0]) is None
