"""Choose: the options of a question are one unit, and what is too long loses the beginning of its prompt."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import ChoiceExample
from stilts_xl.kinds import choose
from stilts_xl.kinds.base import Encoded
from stilts_xl.model.inputs import Inputs
from toys import recipe


def choice(prompt: str, *options: str, label: int | None = 0) -> ChoiceExample:
    return ChoiceExample("1", "1", prompt, options, label)


def encode(tokenizer, *choices: ChoiceExample, max_length: int = 40, training: bool = False) -> Encoded:
    return choose.encode(choices, tokenizer, (), recipe(max_length=max_length), training)


def texts(tokenizer, encoded: Encoded, sequence: int) -> list[str]:
    """The segments of a sequence, special tokens shown."""
    ends = np.cumsum(encoded.segments[sequence])[:-1]
    return [tokenizer.decode(part.tolist()) for part in np.split(encoded.tokens[sequence], ends)]


def test_an_example_is_one_sequence_with_a_segment_an_option(tokenizer) -> None:
    found = encode(tokenizer, choice("Who came?", "Anna", "the old man", label=1), training=True)
    assert len(found.tokens) == 1
    pair = [tokenizer("Who came?", option)["input_ids"] for option in ("Anna", "the old man")]
    assert found.segments == [[len(ids) for ids in pair]]
    assert found.tokens[0].tolist() == pair[0] + pair[1]
    assert found.targets[0].tolist() == [1]


def test_what_is_too_long_loses_the_front_of_its_prompt(tokenizer) -> None:
    prompt = "one two three four five six seven eight nine ten. Where did they go then?"
    found = encode(tokenizer, choice(prompt, "home", "to the sea and back again"), max_length=24)
    first, second = texts(tokenizer, found, 0)
    assert found.truncated == 1
    assert all(length <= 24 for length in found.segments[0])
    for text, option in ((first, "home"), (second, "to the sea and back again")):
        assert "go then?" in text and option in text and "one two" not in text


def test_an_option_that_is_too_long_alone_loses_its_end(tokenizer) -> None:
    found = encode(tokenizer, choice("Why?", "because " * 30, "no"), max_length=12)
    assert found.segments[0][0] == 12
    assert texts(tokenizer, found, 0)[0].count("because") >= 1


def test_length_without_room_is_refused(tokenizer) -> None:
    with pytest.raises(Mistake, match="leaves no room"):
        encode(tokenizer, choice("a", "b", "c"), max_length=4)


def test_the_loss_is_the_softmax_over_an_example_s_options() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 1), torch.tensor([2, 0])
    batch = Inputs(torch.zeros(12), [2] * 6, [3, 3], None, [])
    torch.testing.assert_close(choose.loss(logits, batch, targets), cross_entropy(logits.view(2, 3), targets) * 2)


def test_the_prediction_is_the_first_of_the_likeliest_options(tokenizer) -> None:
    choices = [choice("a", "b", "c"), choice("d", "e", "f", label=None)]
    outputs = [np.array([[1.0], [2.5]], np.float32), np.array([[2.0], [2.0]], np.float32)]
    found = choose.decode(choices, encode(tokenizer, *choices), outputs, tokenizer, (), recipe())
    assert [(each.prediction, each.score) for each in found] == [("1", 2.5), ("0", 2.0)]
    assert [choose.gold(each) for each in choices] == ["0", None]
