"""Bitext mining: which sentences of two sides translate each other, by the ratio margin of Artetxe & Schwenk (2019)."""

from dataclasses import dataclass

import numpy as np
import torch

from stilts_xl.model.neighbours import BLOCK_BYTES, BothWays, Floats, Indices, Vectors, neighbours_both

LOWEST_MEAN = 1e-6


@dataclass(frozen=True, eq=False)
class Mined:
    """Pairs of one source and one target each, by falling margin, then by source, then by target."""

    sources: Indices
    """[pairs]"""
    targets: Indices
    """[pairs]"""
    margins: Floats
    """[pairs]"""


def mine(source: Vectors, target: Vectors, k: int, device: torch.device, block_bytes: int = BLOCK_BYTES) -> Mined:
    """Pairs of sentences from their embeddings, [n, d] and [m, d]; duplicate sentences are to be unified before.

    Memory and errors are those of ``neighbours_both``.
    """
    return selected(neighbours_both(source, target, k, device, block_bytes))


def selected(neighbours: BothWays) -> Mined:
    """The candidate with the highest margin of every source and of every target, taken greedily, one-to-one.

    This is the retrieval called "max". Where candidates of one sentence have equal margins, the nearest is taken.
    """
    if not neighbours.forward.indices.size:
        nothing = np.empty(0, dtype=np.int64)
        return Mined(nothing, nothing, np.empty(0))
    ahead, back = margins(neighbours)
    forward, backward = neighbours.forward.indices, neighbours.backward.indices
    every_source, every_target = np.arange(len(forward)), np.arange(len(backward))
    best_ahead, best_back = ahead.argmax(1), back.argmax(1)
    sources = np.concatenate([every_source, backward[every_target, best_back]])
    targets = np.concatenate([forward[every_source, best_ahead], every_target])
    scores = np.concatenate([ahead[every_source, best_ahead], back[every_target, best_back]])
    order = np.lexsort((targets, sources, -scores))
    kept = order[_one_to_one(sources[order], targets[order])]
    return Mined(sources[kept], targets[kept], scores[kept])


def margins(neighbours: BothWays) -> tuple[Floats, Floats]:
    """The margins of all neighbours, [n, k] forward and [m, k] backward; a pair found both ways has one margin.

    The margin of x and y is their cosine over the mean of two means: of the cosines of x and its neighbours, and of y and
    its own. A mean of means below 1e-6, which sentence embeddings do not have but toy vectors may, counts as 1e-6: the
    margin is then finite, and has the cosine's sign.
    """
    ahead, back = neighbours.forward, neighbours.backward
    of_source, of_target = ahead.cosines.mean(1), back.cosines.mean(1)
    around_ahead = (of_source[:, None] + of_target[ahead.indices]) / 2
    around_back = (of_source[back.indices] + of_target[:, None]) / 2
    return ahead.cosines / np.maximum(around_ahead, LOWEST_MEAN), back.cosines / np.maximum(around_back, LOWEST_MEAN)


def _one_to_one(sources: Indices, targets: Indices) -> Indices:
    """Positions of the pairs of which neither side occurs in an earlier one that was kept."""
    used_sources, used_targets = bytearray(int(sources.max()) + 1), bytearray(int(targets.max()) + 1)
    kept = []
    for position, (source, target) in enumerate(zip(sources.tolist(), targets.tolist(), strict=True)):
        if not used_sources[source] and not used_targets[target]:
            used_sources[source] = used_targets[target] = 1
            kept.append(position)
    return np.array(kept, dtype=np.int64)
