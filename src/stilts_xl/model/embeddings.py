"""First vectors for sub-tokens from parallel sentences: what stands in the same sentences, in any language, lies close."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
MORE = 16
"""Dimensions beyond the wanted ones, and rounds of multiplication, that make the random projection exact enough."""
ROUNDS = 4
SLOWEST = 0.01
LANGUAGE_SIZE = 16
"""Dimensions that say in which languages a sub-token is used."""
LANGUAGE_SHARE = 0.3
"""Of a vector's squared length, where a sub-token is of one language alone."""


def occurrences(sentences: Iterable[tuple[int, NDArray[np.int32]]], pieces: int, numbers: int) -> Matrix:
    """[pieces, numbers] how often a sub-token stands in a sentence, all its translations together.

    ``sentences``: (number, ids); translations of one another have the same number.
    """
    found = np.zeros((pieces, numbers), np.float32)
    for number, ids in sentences:
        np.add.at(found[:, number], ids, 1.0)
    return found


def positive_information(counts: Matrix) -> Matrix:
    """Positive pointwise mutual information of rows and columns, in nats; 0 where nothing was counted."""
    rows = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    columns = counts.sum(axis=0, keepdims=True, dtype=np.float64)
    expected = (rows * (columns / max(columns.sum(), 1.0))).astype(np.float32)
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=counts > 0)
    return np.asarray(np.maximum(np.log(ratio), 0.0), np.float32)


def leading_vectors(matrix: Matrix, rank: int, seed: int) -> Matrix:
    """[rows, rank] the left singular vectors times the roots of their singular values, the greatest first.

    By a random projection (Halko et al. 2011) that depends on the seed alone. The entry of each vector that is greatest
    in size is positive. Columns beyond what the matrix has are 0.
    """
    width = min(rank + MORE, *matrix.shape)
    random = np.random.default_rng(seed)
    basis = matrix @ random.standard_normal((matrix.shape[1], width), dtype=np.float32)
    for _ in range(ROUNDS):
        basis = matrix @ (matrix.T @ np.linalg.qr(basis)[0])
    basis = np.linalg.qr(basis)[0]
    left, values, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    vectors = (basis @ left * np.sqrt(values))[:, :rank]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    found = np.zeros((len(matrix), rank), np.float32)
    found[:, : vectors.shape[1]] = vectors * np.where(signs < 0, -1, 1)
    return found


def first_vectors(sentences: Matrix, languages: Matrix, size: int, deviation: float, seed: int) -> Matrix:
    """[pieces, size] vectors of sub-tokens that say in which sentences they stand, in whatever language, and a little in which.

    ``sentences``: [pieces, sentences] and ``languages``: [pieces, languages], as ``occurrences`` counts. Meanings all
    have one length, random directions where a sub-token was never seen. A sub-token of one language alone has about
    as much more as LANGUAGE_SHARE says, one of many languages less. They are turned at random, so that no entry tells
    more than another, and entries have about this deviation.
    """
    random = np.random.default_rng([seed, 1])
    meanings = leading_vectors(positive_information(sentences), size - LANGUAGE_SIZE, seed)
    spoken = leading_vectors(positive_information(languages), LANGUAGE_SIZE, seed)
    lengths = np.linalg.norm(meanings, axis=1, keepdims=True)
    others = random.standard_normal(meanings.shape, dtype=np.float32)
    meanings = np.where(lengths > 1e-6 * lengths.max(initial=0.0), meanings, others)
    meanings /= np.linalg.norm(meanings, axis=1, keepdims=True)
    spoken /= max(float(np.quantile(np.linalg.norm(spoken, axis=1), 0.9)), 1e-9)
    joined = np.concatenate([meanings * (1 - LANGUAGE_SHARE) ** 0.5, spoken * LANGUAGE_SHARE**0.5], axis=1)
    turn = np.linalg.qr(random.standard_normal((size, size)))[0]
    return np.asarray(joined @ turn * (deviation * size**0.5), np.float32)


def waves(positions: int, size: int, deviation: float) -> Matrix:
    """[positions, size] sine and cosine of each of ``frequencies``, with entries of this deviation."""
    angles = np.arange(positions)[:, None] * frequencies(size)
    pairs = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(positions, size)
    return np.asarray(pairs * (deviation * np.sqrt(2.0)), np.float32)


def frequencies(size: int) -> NDArray[np.float64]:
    """[size / 2] radians from one position to the next, from 1 down to almost SLOWEST."""
    return np.asarray(SLOWEST ** (np.arange(0, size, 2) / size))
