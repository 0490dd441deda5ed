"""Batch plans: pure functions of seed, epoch and lengths, so that hardware never chooses what is learned together."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def steps_per_epoch(sequences: int, batch_size: int) -> int:
    """Optimiser steps in one pass; the last batch may be smaller."""
    return math.ceil(sequences / batch_size)


def batch(step: int, sequences: int, batch_size: int, seed: int) -> Indices:
    """The sequences of the global batch at a 0-based step: a slice of the epoch's permutation."""
    epoch, within = divmod(step, steps_per_epoch(sequences, batch_size))
    return _permutation(sequences, seed, epoch)[within * batch_size : (within + 1) * batch_size]


@lru_cache(maxsize=2)
def _permutation(sequences: int, seed: int, epoch: int) -> Indices:
    order = np.random.default_rng([seed, epoch]).permutation(sequences)
    order.flags.writeable = False
    return order


def share(indices: Indices, lengths: Indices, rank: int, processes: int) -> Indices:
    """One process's part of a global batch: every so-many-th by length, so that each has about the same work."""
    order = indices[np.argsort(lengths[indices], kind="stable")]
    return order[rank::processes]


def micro_batches(indices: Indices, lengths: Indices, layout: str, budget: int) -> list[Indices]:
    """Parts of a batch whose computed tokens stay within ``budget`` (a longer sequence goes alone).

    packed: sorted by length, real tokens counted; bucketed: sorted by length, counted as padded to the longest;
    padded: in the given order, counted as padded. Every index occurs exactly once.
    """
    order = indices if layout == "padded" else indices[np.argsort(-lengths[indices], kind="stable")]
    parts: list[list[int]] = []
    longest = total = 0
    for index in order.tolist():
        length = int(lengths[index])
        longest, total = max(longest, length), total + length
        cost = total if layout == "packed" else longest * (len(parts[-1]) + 1 if parts else 1)
        if not parts or cost > budget:
            parts.append([])
            longest = total = length
        parts[-1].append(index)
    return [np.array(part, dtype=np.int64) for part in parts]


def by_length(lengths: Sequence[int], layout: str, budget: int) -> Iterator[Indices]:
    """Micro-batches over a whole set for prediction, longest first, so that memory runs out at once or never."""
    yield from micro_batches(
        np.arange(len(lengths)), np.asarray(lengths), "bucketed" if layout == "padded" else layout, budget
    )
