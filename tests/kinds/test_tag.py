"""Tag: every word has one tag, from its first piece, however long the sentence and whatever the word."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import TagExample
from stilts_xl.kinds import tag
from stilts_xl.kinds.base import Encoded
from toys import flat, recipe

LABELS = ("O", "NOUN", "VERB")
STRANGE = ("\u200b", "\u00ad", "\ufeff")
"""Words of which the tokenizer makes no piece, or one that is only the mark of a beginning word."""


def sentence(*words: str, tags: tuple[str, ...] | None = None) -> TagExample:
    return TagExample("1", "1", words, tags)


def encode(tokenizer, *sentences: TagExample, max_length: int = 20, training: bool = False) -> Encoded:
    return tag.encode(sentences, tokenizer, LABELS, recipe(max_length=max_length), training)


def as_if(encoded: Encoded, numbers: list[int]) -> list[np.ndarray]:
    """The outputs of a model that gives the words, one sequence after another, these labels."""
    given, found = iter(numbers), []
    for places in encoded.chosen or []:
        logits = np.zeros((len(places), len(LABELS)), np.float32)
        for row in logits:
            row[next(given)] = 3
        found.append(logits)
    return found


def test_the_label_stands_on_each_word_s_first_piece(tokenizer) -> None:
    words = ("Anna", "carried", "extraordinarily", "books")
    found = encode(tokenizer, sentence(*words, tags=("NOUN", "VERB", "O", "NOUN")), max_length=60, training=True)
    (ids,), (places,), (targets,) = found.tokens, found.chosen, found.targets
    begins = [tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    assert ids[places].tolist() == begins
    assert targets.tolist() == [1, 2, 0, 1]
    assert ids[0] == tokenizer.bos_token_id and ids[-1] == tokenizer.eos_token_id


def test_a_word_without_pieces_or_with_too_many_is_the_unknown_token(tokenizer) -> None:
    long = "extraordinarily" * 9
    found = encode(tokenizer, sentence("a", long, "b"), max_length=20)
    assert found.tokens[0][found.chosen[0]].tolist()[1] == tokenizer.unk_token_id
    for strange in STRANGE:
        encoded = encode(tokenizer, sentence("a", strange, "b"))
        assert sum(map(len, encoded.chosen)) == 3, repr(strange)


@settings(max_examples=60)
@given(
    words=st.lists(
        st.one_of(st.sampled_from(["a", "Haus", "internationally", "学校", "x" * 90, *STRANGE]), st.text("abcß ", min_size=1, max_size=9)),
        min_size=1,
        max_size=40,
    ),
    max_length=st.integers(4, 40),
)  # fmt: skip
def test_a_split_sentence_is_joined_again_without_losing_a_word(tokenizer, words, max_length) -> None:
    numbers = [len(word) % 3 for word in words]
    example = sentence(*words)
    encoded = encode(tokenizer, example, max_length=max_length)
    assert max(map(len, encoded.tokens)) <= max_length - 1
    assert sum(map(len, encoded.chosen)) == len(words)
    decoded = tag.decode([example], encoded, as_if(encoded, numbers), tokenizer, LABELS, recipe(max_length=max_length))
    assert decoded[0].prediction == [LABELS[number] for number in numbers]


def test_a_sentence_is_cut_only_where_the_next_word_does_not_fit() -> None:
    words = [[5], [6, 7], [8, 9, 10], [11], [12]]
    assert [chunk.pieces for chunk in tag.chunks(words, 4)] == [[5, 6, 7], [8, 9, 10, 11], [12]]
    assert [chunk.firsts for chunk in tag.chunks(words, 4)] == [[0, 1], [0, 3], [0]]


def test_three_places_are_kept_free_as_the_reference_does(tokenizer) -> None:
    words = ["a"] * 40
    found = encode(tokenizer, sentence(*words), max_length=20)
    assert [len(ids) - 2 for ids in found.tokens] == [17, 17, 6]


def test_length_without_room_is_refused(tokenizer) -> None:
    with pytest.raises(Mistake, match="leaves no room for a word"):
        encode(tokenizer, sentence("a"), max_length=3)


def test_the_loss_is_the_sum_over_words() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    found = tag.loss(logits, flat(torch.zeros(9), [4, 5]), targets)
    torch.testing.assert_close(found, cross_entropy(logits, targets) * 5)


def test_hidden_tags_are_no_gold(tokenizer) -> None:
    assert tag.gold(sentence("a", "b")) is None
    assert tag.gold(sentence("a", "b", tags=("NOUN", "O"))) == ["NOUN", "O"]
