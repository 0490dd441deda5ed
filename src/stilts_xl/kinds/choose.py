"""Choose: a prompt and its options to the index of the right one, one logit an option, softmax over the options."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import ChoiceExample, Example
from stilts_xl.core.recipe import Recipe
from stilts_xl.kinds.base import Decoded, Encoded, Ids, draw, reduce
from stilts_xl.kinds.texts import ids_of
from stilts_xl.model.heads import SentenceHead
from stilts_xl.model.inputs import Inputs

__all__ = ["decode", "draw", "encode", "gold", "head", "loss", "reduce"]

SPECIAL_TOKENS = 4
"""<s> prompt </s></s> option </s>"""


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
    training: bool,
) -> Encoded:
    """One sequence an example, one segment ``<s> prompt </s></s> option </s>`` an option.

    What is too long loses the beginning of its prompt, so that the question and the option survive; an option that is
    too long on its own loses its end. Raises Mistake where ``max_length`` leaves no room.
    """
    room = recipe.max_length - SPECIAL_TOKENS
    if room < 1:
        raise Mistake(f"max_length={recipe.max_length} leaves no room; {SPECIAL_TOKENS} places are special tokens")
    choices = [_choice(example) for example in examples]
    prompts = ids_of([choice.prompt for choice in choices], tokenizer)
    options = iter(ids_of([option for choice in choices for option in choice.options], tokenizer))
    tokens: list[Ids] = []
    segments: list[list[int]] = []
    truncated = 0
    for choice, prompt in zip(choices, prompts, strict=True):
        own = [next(options) for _ in choice.options]
        parts = [_segment(prompt, option, room, tokenizer) for option in own]
        truncated += any(len(prompt) + len(option) > room for option in own)
        tokens.append(np.concatenate(parts))
        segments.append([len(part) for part in parts])
    targets = [np.array([choice.label] if training else [], np.int64) for choice in choices]
    return Encoded(tokens, np.arange(len(choices)), targets, truncated, segments=segments)


def _choice(example: Example) -> ChoiceExample:
    assert isinstance(example, ChoiceExample)
    return example


def _segment(prompt: Ids, option: Ids, room: int, tokenizer: PreTrainedTokenizerBase) -> Ids:
    option = option[:room]
    kept = prompt[max(0, len(prompt) + len(option) - room) :]
    bos, eos = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    return np.concatenate([bos, kept, eos, eos, option, eos]).astype(np.int32)


def head(encoder: PreTrainedModel, labels: tuple[str, ...]) -> SentenceHead:
    """XLM-R's classification head with one output: how well an option goes with the prompt."""
    return SentenceHead(encoder.config.hidden_size, 1, encoder.config.hidden_dropout_prob)


def loss(logits: torch.Tensor, inputs: Inputs, targets: torch.Tensor) -> torch.Tensor:
    """Summed cross-entropy over the options. logits: [segments, 1]; targets: [sequences]."""
    return cross_entropy(logits.float().view(len(targets), -1), targets, reduction="sum")


def decode(
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
) -> list[Decoded]:
    """The index, as text, of the option with the highest logit (the first of equals), and that logit."""
    return [Decoded(str(int(logits.argmax())), float(logits.max())) for logits in outputs]


def gold(example: Example) -> str | None:
    """The right option's index, as text."""
    label = _choice(example).label
    return None if label is None else str(label)
