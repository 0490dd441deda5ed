"""Masked language modelling: what is masked, how often, with what, and that it is a function of the seed."""

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import TextExample
from stilts_xl.kinds import mlm
from stilts_xl.kinds.base import Encoded
from toys import recipe

TEXT = "the quick brown fox jumps over the lazy dog while an old man reads his letters by the river"


def text(words: str, translation: str = "", id: str = "1") -> TextExample:
    return TextExample(id, id, "en", words, translation)


def encode(tokenizer, *texts: TextExample, max_length: int = 64, training: bool = True) -> Encoded:
    return mlm.encode(texts, tokenizer, (), recipe(max_length=max_length), training)


def test_fifteen_in_a_hundred_are_hidden_and_of_those_eighty_masked_ten_random_ten_kept(tokenizer) -> None:
    encoded = encode(tokenizer, text(" ".join([TEXT] * 400)), max_length=514)
    hidden = masked = kept = ordinary = changed_elsewhere = 0
    for step in range(20):
        batch = mlm.draw(encoded, np.arange(len(encoded.tokens)), recipe(), step)
        for before, after, places, targets in zip(
            encoded.tokens, batch.tokens, batch.chosen, batch.targets, strict=True
        ):
            assert (before[places] == targets).all()
            ordinary += len(before) - 2
            hidden += len(places)
            masked += (after[places] == tokenizer.mask_token_id).sum()
            kept += (after[places] == targets).sum()
            changed_elsewhere += (np.delete(after, places) != np.delete(before, places)).sum()
            assert not {0, len(before) - 1} & set(places.tolist())
    assert ordinary > 100_000
    assert hidden / ordinary == pytest.approx(0.15, abs=0.005)
    assert masked / hidden == pytest.approx(0.80, abs=0.01)
    assert kept / hidden == pytest.approx(0.10, abs=0.01)
    assert changed_elsewhere == 0


def test_masks_are_a_function_of_seed_step_and_sequence_and_not_of_the_batch(tokenizer) -> None:
    encoded = encode(tokenizer, *(text(TEXT, id=str(number)) for number in range(4)))

    def drawn(indices: list[int], step: int, seed: int = 1) -> list[list[int]]:
        return [ids.tolist() for ids in mlm.draw(encoded, np.array(indices), recipe(seed=seed), step).tokens]

    assert drawn([2, 0], 5) == [drawn([2], 5)[0], drawn([0, 1], 5)[0]]
    assert drawn([2], 5) != drawn([2], 6)
    assert drawn([2], 5) != drawn([2], 5, seed=2)
    assert drawn([2], 5) != drawn([3], 5)


def test_for_prediction_a_text_is_masked_the_same_whatever_stands_beside_it(tokenizer) -> None:
    one, other = text(TEXT, id="a"), text(TEXT, id="b")
    together, alone = encode(tokenizer, one, other, training=False), encode(tokenizer, other, training=False)
    assert together.tokens[1].tolist() == alone.tokens[0].tolist()
    assert together.chosen[1].tolist() == alone.chosen[0].tolist()
    assert together.tokens[0].tolist() != together.tokens[1].tolist()


def test_long_text_makes_several_sequences_and_loses_nothing(tokenizer) -> None:
    whole = tokenizer(" ".join([TEXT] * 3), add_special_tokens=False)["input_ids"]
    encoded = encode(tokenizer, text(" ".join([TEXT] * 3)), max_length=20)
    assert [token for ids in encoded.tokens for token in ids[1:-1].tolist()] == whole
    assert max(map(len, encoded.tokens)) == 20
    assert encoded.truncated == 0


def test_a_translation_stands_behind_its_text(tokenizer) -> None:
    encoded = encode(tokenizer, text("a man reads", "ein Mann liest"))
    assert encoded.tokens[0].tolist() == tokenizer("a man reads", "ein Mann liest")["input_ids"]
    batch = mlm.draw(encoded, np.array([0]), recipe(mask_probability=1.0), 0)
    specials = set(tokenizer.all_special_ids)
    assert len(batch.chosen[0]) == sum(token not in specials for token in encoded.tokens[0].tolist())


def test_of_a_pair_that_is_too_long_the_longer_text_gives_way(tokenizer) -> None:
    encoded = encode(tokenizer, text("a man", TEXT), max_length=24)
    short = tokenizer("a man", add_special_tokens=False)["input_ids"]
    assert len(encoded.tokens[0]) == 24
    assert encoded.tokens[0].tolist()[1 : len(short) + 1] == short
    assert encoded.truncated == 1


def test_at_least_one_sub_token_is_hidden(tokenizer) -> None:
    encoded = encode(tokenizer, text("dog"))
    batch = mlm.draw(encoded, np.array([0]), recipe(mask_probability=0.0), 0)
    assert len(batch.chosen[0]) == 1


def test_no_room_is_refused(tokenizer) -> None:
    with pytest.raises(Mistake, match="leaves no room for text"):
        encode(tokenizer, text("a"), max_length=3)


def test_the_row_holds_the_log_probability_of_what_was_hidden(tokenizer) -> None:
    example = text(TEXT)
    encoded = encode(tokenizer, example, training=False)
    torch.manual_seed(0)
    logits = torch.randn(len(encoded.targets[0]), len(tokenizer))
    reduced = mlm.reduce(logits, torch.from_numpy(encoded.targets[0])).numpy()
    (found,) = mlm.decode([example], encoded, [reduced], tokenizer, (), recipe())
    expected = log_softmax(logits, dim=1)[torch.arange(len(logits)), torch.from_numpy(encoded.targets[0])].sum()
    assert found.score == pytest.approx(float(expected), rel=1e-5)
    assert found.extras["log_likelihood"] == found.score
    assert found.extras["gold"] == tokenizer.convert_ids_to_tokens(encoded.targets[0].tolist())
    assert found.prediction == tokenizer.convert_ids_to_tokens(logits.argmax(dim=1).tolist())
