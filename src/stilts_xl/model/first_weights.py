"""First weights with which a small encoder looks around a word, then for words like it, before it has learned anything.

A narrow encoder takes long to find out that it may look at the words around a word, and at the same word elsewhere. Here
its attention begins with both, after Trockman and Kolter 2023 (Mimetic Initialization of Self-Attention Layers).
"""

from typing import Any

import numpy as np
import torch

from stilts_xl.model.embeddings import Matrix, frequencies, waves
from stilts_xl.model.heads import LanguageHead

AROUND = {"clause": (0.8, (2, -2, 0)), "neighbours": (1.6, (1, -1, 0))}
"""How sharply a block that looks around does so, and how many tokens before here the gaze of its first heads is centred."""
GAZES = ("clause", "alike", "neighbours", "alike")
"""What each block looks at, in turn."""
TAKEN = 0.6
"""How much of what a head looks at is added to the token."""
OPEN = 2.0
"""Added before the language-model head's gelu, which lets through almost all that is above zero."""
NOISE = 0.25
"""The deviation of all other entries, in units of 1 / sqrt(hidden size)."""


def content_size(hidden_size: int, heads: int) -> int:
    """How many of a vector's entries say which sub-token it is; as many as one head sees say where it stands."""
    return hidden_size - hidden_size // heads


def prime(encoder: Any, vectors: Matrix, ordinary: list[int], seed: int) -> None:
    """Give an encoder its first weights. ``vectors``: [vocabulary, content size], rows of the ``ordinary`` sub-tokens count.

    ``encoder`` is a transformers model of XLM-R's architecture. The other sub-tokens' vectors are random.
    """
    config = encoder.config
    size = config.hidden_size // config.num_attention_heads
    content = content_size(config.hidden_size, config.num_attention_heads)
    usual = config.hidden_size**-0.5
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if parameter.dim() == 2 and not name.startswith("embeddings"):
                parameter.normal_(0.0, NOISE * usual, generator=random)
        table = encoder.embeddings.word_embeddings.weight
        table.normal_(0.0, usual, generator=random)
        table[ordinary, :content] = torch.from_numpy(vectors[ordinary])
        table[:, content:] = 0.0
        table[config.pad_token_id] = 0.0
        encoder.embeddings.token_type_embeddings.weight.zero_()
        places = encoder.embeddings.position_embeddings.weight
        places.zero_()
        places[:, content:] = torch.from_numpy(waves(len(places), size, usual))
        for number, block in enumerate(encoder.encoder.layer):
            gaze = GAZES[number % len(GAZES)]
            if gaze in AROUND:
                _look_around(block.attention, size, content, *AROUND[gaze])
            else:
                _look_for_alike(block.attention, size, content)


def _look_around(attention: Any, size: int, content: int, sharpness: float, centres: tuple[int, ...]) -> None:
    """Each head but the last takes its part of the content of tokens near by; the last one is left to chance."""
    for head in range(content // size):
        own = slice(head * size, (head + 1) * size)
        attention.self.query.weight[own, content:] += torch.eye(size) * sharpness
        attention.self.key.weight[own, content:] += turned(size, centres[head % len(centres)]) * sharpness
        _take(attention, own, size)


def _look_for_alike(attention: Any, size: int, content: int) -> None:
    """Each head takes its part of tokens with like content, the last one, which compares what the first does, their place."""
    for first in range(0, content + size, size):
        own, compared = slice(first, first + size), slice(first % content, first % content + size)
        attention.self.query.weight[own, compared] += torch.eye(size)
        attention.self.key.weight[own, compared] += torch.eye(size)
        _take(attention, own, size)


def _take(attention: Any, own: slice, size: int) -> None:
    attention.self.value.weight[own, own] += torch.eye(size)
    attention.output.dense.weight[own, own] += torch.eye(size) * TAKEN


def turned(size: int, shift: int) -> torch.Tensor:
    """[size, size] the map that makes of a position's ``waves`` those of the position ``shift`` further on."""
    angles = frequencies(size) * shift
    found = np.zeros((size, size), np.float32)
    even, odd = np.arange(0, size, 2), np.arange(1, size, 2)
    found[even, even] = found[odd, odd] = np.cos(angles)
    found[even, odd], found[odd, even] = np.sin(angles), -np.sin(angles)
    return torch.from_numpy(found)


def prime_language_head(head: LanguageHead, counts: Matrix) -> None:
    """A head that at first takes what the encoder says for the sub-token's vector, and knows how frequent each one is.

    ``counts``: [vocabulary, sentences], as ``occurrences`` gives them.
    """
    often = torch.from_numpy(counts.sum(axis=1, dtype=np.float64) + 1.0).log()
    with torch.no_grad():
        head.dense.weight.copy_(torch.eye(len(head.dense.weight)))
        head.dense.bias.fill_(OPEN)
        head.bias.copy_(often - often.mean())
