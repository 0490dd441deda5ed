"""Attention over packed sequences: every sequence attends to itself only, and no padding is computed."""

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
    heads, size = query.shape[1], query.shape[3]
    outputs = []
    for start, count, length in runs(segments):
        part = [
            states[0, :, start : start + count * length].reshape(heads, count, length, size).transpose(0, 1)
            for states in (query, key, value)
        ]
        attended = scaled_dot_product_attention(part[0], part[1], part[2], dropout_p=dropout, scale=scaling)
        outputs.append(attended.transpose(1, 2).reshape(count * length, heads, size))
    return torch.cat(outputs).unsqueeze(0), None


def runs(lengths: list[int]) -> list[tuple[int, int, int]]:
    """(first token, sequences, length) of each run of neighbouring sequences of one length."""
    found: list[tuple[int, int, int]] = []
    position = 0
    for length in lengths:
        if found and found[-1][2] == length:
            found[-1] = (found[-1][0], found[-1][1] + 1, length)
        else:
            found.append((position, 1, length))
        position += length
    return found


AttentionInterface.register(PACKED, packed_attention)
AttentionMaskInterface.register(PACKED, lambda *args, **kwargs: None)
