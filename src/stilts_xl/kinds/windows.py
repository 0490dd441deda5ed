"""Sliding windows over long passages: where they start, and which of them sees a token with the most context."""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def window_starts(tokens: int, room: int, stride: int) -> list[int]:
    """Where windows of at most ``room`` tokens start, ``stride`` apart, until one reaches the passage's end."""
    starts = [0]
    while starts[-1] + room < tokens:
        starts.append(starts[-1] + min(room, stride))
    return starts


def best_windows(tokens: int, starts: list[int], room: int) -> Indices:
    """[tokens] for each token, the window in which it has the most context.

    A window's score for a token is the smaller of the tokens on its left and on its right, plus a hundredth of the
    window's length, as in BERT's reading-comprehension code; the first of equals.
    """
    position = np.arange(tokens)
    scores = np.full((len(starts), tokens), -1.0)
    for row, start in enumerate(starts):
        end = min(start + room, tokens)
        inside = position[start:end]
        scores[row, start:end] = np.minimum(inside - start, end - 1 - inside) + 0.01 * (end - start)
    best: Indices = scores.argmax(axis=0)
    return best


def covered(offsets: Indices, start: int, end: int) -> tuple[int, int] | None:
    """First and last token that share a character with [start, end); None where none does.

    offsets: [tokens, 2] the characters [from, to) of each token.
    """
    touching = np.flatnonzero((offsets[:, 0] < end) & (offsets[:, 1] > start))
    return (int(touching[0]), int(touching[-1])) if len(touching) else None
