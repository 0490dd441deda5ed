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


def batch(step: int, sizes: tuple[int, ...], batch_size: int, seed: int, alpha: float) -> Indices:
    """The sequences of the global batch at a 0-based step: a slice of the epoch's order over all parts."""
    epoch, within = divmod(step, steps_per_epoch(sum(sizes), batch_size))
    return _order(sizes, seed, epoch, alpha)[within * batch_size : (within + 1) * batch_size]


@lru_cache(maxsize=2)
def _order(sizes: tuple[int, ...], seed: int, epoch: int, alpha: float) -> Indices:
    """As many sequences as there are, shuffled; a part of n is drawn in proportion to n ** alpha.

    With alpha 1 each occurs once. Else a part gets its quota from its own permutation, begun again where it ends, so
    that no sequence of a part occurs twice more often than another.
    """
    random = np.random.default_rng([seed, epoch])
    total = sum(sizes)
    if alpha == 1.0 or len(sizes) == 1:
        order = random.permutation(total)
    else:
        starts = np.cumsum(sizes) - sizes
        drawn = []
        for size, start, quota in zip(sizes, starts, quotas(sizes, alpha), strict=True):
            rounds = [random.permutation(size) + start for _ in range(-(-quota // size))]
            drawn += [np.concatenate(rounds)[:quota]] if rounds else []
        order = random.permutation(np.concatenate(drawn))
    order.flags.writeable = False
    return order


def quotas(sizes: tuple[int, ...], alpha: float) -> list[int]:
    """How often each part is drawn from in an epoch: shares of the total in proportion to size ** alpha, largest
    remainders rounded up."""
    weights = np.array(sizes, np.float64) ** alpha
    exact = weights / weights.sum() * sum(sizes)
    found = np.floor(exact).astype(np.int64)
    short = sum(sizes) - int(found.sum())
    found[np.argsort(found - exact, kind="stable")[:short]] += 1
    return [int(quota) for quota in found]


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
