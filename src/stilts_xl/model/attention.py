"""Attention over packed sequences: every sequence attends to itself only, and no padding is computed."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

PACKED = "stilts_packed"
PADDED = "sdpa"


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    *,
    segments: list[int],
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention within each segment.

    query, key, value: [1, heads, tokens, head size]; ``segments``: the sequences' lengths in tokens, in order.
    Neighbours of one length are computed together. Returns [1, tokens, heads, head size].
    """
    runs = runs_of(segments)
    sizes = [count * length for count, length in runs]
    scaling = query.shape[3] ** -0.5 if scaling is None else scaling
    masks: Sequence[torch.Tensor | None] = [None] * len(runs)
    if dropout > 0 and query.device.type == "cpu":
        masks = keep_masks(runs, query.shape[1], dropout)
    # split, not slices: the gradient of a slice is as large as the whole
    parts = (torch.split(states[0], sizes, dim=1) for states in (query, key, value))
    outputs = []
    for (count, length), mask, *part in zip(runs, masks, *parts, strict=True):
        one, two, three = (states.unflatten(1, (count, length)).transpose(0, 1) for states in part)
        if mask is None:
            attended = scaled_dot_product_attention(one, two, three, dropout_p=dropout, scale=scaling)
        else:
            attended = (torch.softmax((one * scaling) @ two.transpose(2, 3), dim=-1) * mask) @ three
        outputs.append(attended.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs).unsqueeze(0), None


def keep_masks(runs: list[tuple[int, int]], heads: int, dropout: float) -> list[torch.Tensor]:
    """Dropout for the attention weights of each run, [sequences, heads, length, length], on the CPU.

    Elements are 0 or, where kept, 1 / (1 - dropout). torch draws them one at a time on a CPU, which costs a sixth of a
    step; here one 64-bit draw decides for four, and the probability is rounded to a multiple of 2^-16.
    """
    sizes = [count * heads * length**2 for count, length in runs]
    drawn = torch.empty((sum(sizes) + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    dropped = round(dropout * 2**16)
    kept = drawn.view(torch.int16)[: sum(sizes)] >= dropped - 2**15
    factors = torch.split(kept.float() * (2**16 / (2**16 - dropped)), sizes)
    return [part.view(count, heads, length, length) for part, (count, length) in zip(factors, runs, strict=True)]


def runs_of(lengths: list[int]) -> list[tuple[int, int]]:
    """(sequences, length) of each run of neighbouring sequences of one length."""
    return [(len(list(same)), length) for length, same in groupby(lengths)]


AttentionInterface.register(PACKED, packed_attention)
AttentionMaskInterface.register(PACKED, lambda *args, **kwargs: None)
