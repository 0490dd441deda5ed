"""Masked language modelling: text, or a text and its translation, to the sub-tokens that were hidden in it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, TextExample
from stilts_xl.core.recipe import Recipe
from stilts_xl.kinds.base import Decoded, Encoded, Ids, Indices, loss, subset
from stilts_xl.kinds.texts import ids_of
from stilts_xl.model.heads import LanguageHead

__all__ = ["decode", "draw", "encode", "gold", "head", "loss", "reduce"]

MASKED, RANDOM = 0.8, 0.1
"""Of the sub-tokens to be predicted: replaced by <mask>, by a random one; the rest stay as they are (Devlin et al. 2019)."""
SPECIAL_TOKENS = {False: 2, True: 4}
"""<s> text </s>, and <s> text </s></s> translation </s>."""


@dataclass(frozen=True)
class Vocabulary:
    """What masking must know of a tokenizer."""

    mask: int
    special: Indices
    """Ids that are never masked; few, so that to look for them in a text is cheap."""
    ordinary: Indices
    """Ids that may be put in, ascending: all but the special ones."""


def encode(
    examples: Sequence[Example],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
    training: bool,
) -> Encoded:
    """``<s> text </s>``, long text in several sequences; ``<s> text </s></s> translation </s>``, long pairs cut.

    For training the text itself, masked anew in each batch; else masked once, by a seed that the example's id gives.
    """
    texts = [_text(example) for example in examples]
    first = ids_of([text.text for text in texts], tokenizer)
    second = ids_of([text.translation for text in texts], tokenizer)
    tokens: list[Ids] = []
    owner: list[int] = []
    truncated = 0
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        room = recipe.max_length - SPECIAL_TOKENS[len(other) > 0]
        if room < 2:
            raise Mistake(f"max_length={recipe.max_length} leaves no room for text beside its special tokens")
        made = _pair(one, other, room, tokenizer) if len(other) else _parts(one, room, tokenizer)
        truncated += len(other) > 0 and len(one) + len(other) > room
        tokens += made
        owner += [index] * len(made)
    assert isinstance(tokenizer.mask_token_id, int)
    special = np.unique(tokenizer.all_special_ids)
    vocabulary = Vocabulary(tokenizer.mask_token_id, special, np.setdiff1d(np.arange(len(tokenizer)), special))
    nothing = [np.empty(0, np.int64)] * len(tokens)
    plain = Encoded(tokens, np.array(owner, np.int64), nothing, truncated, detail=vocabulary)
    if training:
        return plain
    seeds = [_seed(texts[index].id, place) for place, index in zip(_numbers(owner), owner, strict=True)]
    return _masked(plain, seeds, recipe.mask_probability)


def _text(example: Example) -> TextExample:
    assert isinstance(example, TextExample)
    return example


def _parts(ids: Ids, room: int, tokenizer: PreTrainedTokenizerBase) -> list[Ids]:
    bos, eos = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    starts = range(0, max(len(ids), 1), room)
    return [np.concatenate([bos, ids[start : start + room], eos]).astype(np.int32) for start in starts]


def _pair(one: Ids, other: Ids, room: int, tokenizer: PreTrainedTokenizerBase) -> list[Ids]:
    """The longer one gives way until both fit."""
    kept = min(len(one), max(room - len(other), room // 2))
    bos, eos = [tokenizer.bos_token_id], [tokenizer.eos_token_id]
    return [np.concatenate([bos, one[:kept], eos, eos, other[: room - kept], eos]).astype(np.int32)]


def _numbers(owner: list[int]) -> list[int]:
    """Of each sequence its number within its example."""
    first: dict[int, int] = {}
    return [place - first.setdefault(index, place) for place, index in enumerate(owner)]


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


def draw(encoded: Encoded, indices: Indices, recipe: Recipe, step: int) -> Encoded:
    """The batch's sequences with masks that are a function of the recipe's seed, the step and the sequence."""
    seeds = [_seed(recipe.seed, step, index) for index in indices.tolist()]
    return _masked(subset(encoded, indices), seeds, recipe.mask_probability)


def _masked(encoded: Encoded, seeds: list[int], probability: float) -> Encoded:
    assert isinstance(encoded.detail, Vocabulary)
    made = [masked(ids, encoded.detail, probability, seed) for ids, seed in zip(encoded.tokens, seeds, strict=True)]
    return replace(
        encoded,
        tokens=[ids for ids, _, _ in made],
        chosen=[places for _, places, _ in made],
        targets=[hidden for _, _, hidden in made],
    )


def masked(ids: Ids, vocabulary: Vocabulary, probability: float, seed: int) -> tuple[Ids, Indices, Indices]:
    """(sub-tokens with some replaced, the places to be predicted, what stood there).

    Each sub-token that is not special is chosen with ``probability``, at least one where there is any.
    """
    random = np.random.default_rng(seed)
    maskable = np.flatnonzero(np.isin(ids, vocabulary.special, invert=True))
    places = maskable[random.random(len(maskable)) < probability]
    if not len(places) and len(maskable):
        places = random.choice(maskable, 1)
    fate = random.random(len(places))
    changed = ids.copy()
    changed[places[fate < MASKED]] = vocabulary.mask
    put_in = places[(fate >= MASKED) & (fate < MASKED + RANDOM)]
    changed[put_in] = random.choice(vocabulary.ordinary, len(put_in))
    return changed, places.astype(np.int64), ids[places].astype(np.int64)


def head(encoder: PreTrainedModel, labels: tuple[str, ...]) -> LanguageHead:
    """The encoder's own language-model head; its last map is the embedding table."""
    table = encoder.get_input_embeddings()
    assert isinstance(table, torch.nn.Embedding)
    return LanguageHead(table, encoder.config.layer_norm_eps)


def reduce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """[masked, 2]: the natural log-probability of what was hidden, and the sub-token held to be likeliest."""
    log_probability = -cross_entropy(logits.float(), targets, reduction="none")
    return torch.stack([log_probability, logits.argmax(dim=1).float()], dim=1)


def decode(
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    recipe: Recipe,
) -> list[Decoded]:
    """The likeliest sub-tokens in the masked places; the score is their hidden sub-tokens' summed log-probability."""
    pieces: list[list[str]] = [[] for _ in examples]
    hidden: list[list[str]] = [[] for _ in examples]
    scores = [0.0] * len(examples)
    for sequence, index in enumerate(encoded.owner.tolist()):
        guessed = outputs[sequence][:, 1].astype(np.int64).tolist()
        pieces[index] += tokenizer.convert_ids_to_tokens(guessed)
        hidden[index] += tokenizer.convert_ids_to_tokens(encoded.targets[sequence].tolist())
        scores[index] += float(outputs[sequence][:, 0].sum(dtype=np.float64))
    return [
        Decoded(found, score, {"gold": wanted, "log_likelihood": score})
        for found, wanted, score in zip(pieces, hidden, scores, strict=True)
    ]


def gold(example: Example) -> None:
    """Known only once the text is masked: decode brings it."""
    return None
