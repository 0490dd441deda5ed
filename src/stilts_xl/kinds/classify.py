"""Classify: one or two texts to a label, from the first token's state, cross-entropy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.example import Example, PairExample
from stilts_xl.core.recipe import Recipe
from stilts_xl.kinds.base import Decoded, Encoded, draw, loss, reduce
from stilts_xl.kinds.texts import AT_ONCE
from stilts_xl.model.heads import SentenceHead

__all__ = ["decode", "draw", "encode", "gold", "head", "loss", "reduce"]


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
    training: bool,
) -> Encoded:
    """``<s> a </s></s> b </s>``, cut longest first; one sequence an example, its target the index of its label."""
    pairs = [_pair(example) for example in examples]
    tokens: dict[int, NDArray[np.int32]] = {}
    truncated = 0
    for single in (True, False):
        chosen = [index for index, pair in enumerate(pairs) if (not pair.text_b) == single]
        for start in range(0, len(chosen), AT_ONCE):
            part = chosen[start : start + AT_ONCE]
            second = None if single else [pairs[index].text_b for index in part]
            first = [pairs[index].text_a for index in part]
            encodings = tokenizer(first, second, truncation=True, max_length=recipe.max_length).encodings
            assert encodings is not None
            tokens |= {index: np.array(encoding.ids, np.int32) for index, encoding in zip(part, encodings, strict=True)}
            truncated += sum(bool(encoding.overflowing) for encoding in encodings)
    targets = [np.array([labels.index(pair.label or "")] if training else [], np.int64) for pair in pairs]
    return Encoded([tokens[index] for index in range(len(pairs))], np.arange(len(pairs)), targets, truncated)


def _pair(example: Example) -> PairExample:
    assert isinstance(example, PairExample)
    return example


def head(encoder: PreTrainedModel, labels: tuple[str, ...]) -> SentenceHead:
    """XLM-R's classification head with one output a label."""
    return SentenceHead(encoder.config.hidden_size, len(labels), encoder.config.hidden_dropout_prob)


def decode(
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
) -> list[Decoded]:
    """The label with the highest logit (the first of equals), and that logit."""
    return [Decoded(labels[int(logits.argmax())], float(logits.max())) for logits in outputs]


def gold(example: Example) -> str | None:
    """The label."""
    return _pair(example).label
