"""Mining pairs each sentence with at most one other, best margin first, as Artetxe & Schwenk (2019) define it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stilts_xl.model.mining import Mined, margins, mine
from stilts_xl.model.neighbours import BLOCK_BYTES, neighbours_both

CPU = torch.device("cpu")
SMALL = 4 * 32 * 32

LATTICE = np.array(
    [[0, 0, 0, 0], [1, 0, 0, 0], [0, -1, 0, 0], [1, 1, 1, 1], [1, 1, -1, 1], [-1, -1, -1, -1], [0, 0, 2, 0]], np.float32
)
"""Vectors whose norms are 0, 1 or 2: every cosine is a multiple of a quarter, and exact in float32."""
lattice_rows = st.lists(st.integers(0, len(LATTICE) - 1), min_size=1, max_size=60).map(lambda rows: LATTICE[rows])
small_rows = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=40).map(
    lambda rows: np.array(rows, np.float32)
)

Pair = tuple[int, int]


def translations(count: int, columns: int, noise: float, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sources, and targets that are the sources with noise, in the same order."""
    random = np.random.default_rng(seed)
    source = random.standard_normal((count, columns))
    return source.astype(np.float32), (source + noise * random.standard_normal((count, columns))).astype(np.float32)


def cosines(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    one, two = (
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
        for rows in map(np.float64, (source, target))
    )
    return np.asarray(one @ two.T)


def best_candidates(matrix: NDArray[np.float64], k: int) -> dict[Pair, float]:
    """Margin of the best candidate of each source and of each target, from the whole matrix of cosines."""
    ahead = np.argsort(-matrix, axis=1, kind="stable")[:, :k]
    back = np.argsort(-matrix.T, axis=1, kind="stable")[:, :k]
    of_source = [matrix[row, found].sum() / len(found) for row, found in enumerate(ahead)]
    of_target = [matrix[found, column].sum() / len(found) for column, found in enumerate(back)]

    def margin(row: int, column: int) -> float:
        return float(matrix[row, column] / max((of_source[row] + of_target[column]) / 2, 1e-6))

    best = {}
    for row, found in enumerate(ahead.tolist()):
        column = max(found, key=lambda column: margin(row, column))
        best[row, column] = margin(row, column)
    for column, found in enumerate(back.tolist()):
        row = max(found, key=lambda row: margin(row, column))
        best[row, column] = margin(row, column)
    return best


def greedy(candidates: dict[Pair, float]) -> dict[Pair, float]:
    taken: dict[Pair, float] = {}
    for (source, target), score in sorted(candidates.items(), key=lambda item: (-item[1], item[0])):
        if all(source != one and target != two for one, two in taken):
            taken[source, target] = score
    return taken


def pairs(mined: Mined) -> list[Pair]:
    return list(zip(mined.sources.tolist(), mined.targets.tolist(), strict=True))


def assert_same(mined: Mined, expected: dict[Pair, float]) -> None:
    assert pairs(mined) == list(expected)
    np.testing.assert_allclose(mined.margins, list(expected.values()), rtol=1e-11)


@pytest.mark.parametrize("k", [1, 4])
def test_pairs_and_margins_are_those_of_the_whole_matrix(k: int) -> None:
    source, target = translations(500, 48, 1.5, 0)
    expected = greedy(best_candidates(cosines(source, target), k))
    assert 250 < len(expected) < 500, "the toy should leave some without a partner"
    assert_same(mine(source, target, k, CPU), expected)
    assert_same(mine(source, target, k, CPU, SMALL), expected)


def test_translations_are_found_again() -> None:
    source, target = translations(300, 64, 0.2, 1)
    order = np.random.default_rng(2).permutation(300)
    mined = mine(source, target[order], 4, CPU)
    assert sorted(pairs(mined)) == sorted(zip(order.tolist(), range(300), strict=True))
    assert mined.margins.min() > 1.2


def test_a_hub_is_worth_less_than_a_neighbour_of_its_own() -> None:
    """The first target is nearest to every source, and so says little; margins see that, where cosines do not."""
    source = np.eye(4, 5, dtype=np.float32)
    target = np.concatenate([np.ones((1, 5)), 0.45 * np.eye(5) + 0.9 * np.eye(5, k=1)])[:, :5].astype(np.float32)
    found = neighbours_both(source, target, 4, CPU)
    hub = cosines(source, target)[1, 0]
    own = cosines(source, target)[1, 2]
    ahead, _ = margins(found)
    places = {index: place for place, index in enumerate(found.forward.indices[1].tolist())}
    assert hub == pytest.approx(own, abs=1e-3), "as near as each other"
    assert ahead[1, places[2]] > 1.1 * ahead[1, places[0]]


@pytest.mark.parametrize("sizes", [(1, 1), (1, 40), (40, 1), (33, 65), (3, 2)])
def test_sides_may_have_any_size_and_fewer_rows_than_neighbours(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    source, target = (random.standard_normal((rows, 6)).astype(np.float32) + 1 for rows in sizes)
    assert_same(mine(source, target, 4, CPU, SMALL), greedy(best_candidates(cosines(source, target), 4)))


def test_nothing_is_mined_from_an_empty_side() -> None:
    for source, target in ((LATTICE[:0], LATTICE), (LATTICE, LATTICE[:0]), (LATTICE[:0], LATTICE[:0])):
        mined = mine(source, target, 4, CPU)
        assert len(mined.sources) == len(mined.targets) == len(mined.margins) == 0


def test_margins_are_finite_and_have_the_cosine_s_sign() -> None:
    """Where a neighbourhood lies on the other side, a quotient would be negative, infinite or no number."""
    source = np.array([[1, 0], [0, 0]], np.float32)
    target = np.array([[0.5, 3**0.5 / 2], [-1, 0], [-1, 0], [-1, 0]], np.float32)
    ahead, back = margins(neighbours_both(source, target, 4, CPU))
    np.testing.assert_allclose(ahead[0], [0.5e6, -1e6, -1e6, -1e6], rtol=1e-6)
    np.testing.assert_array_equal(ahead[1], 0)
    assert np.isfinite(back).all()
    assert pairs(mine(source, target, 4, CPU)) == [(0, 0), (1, 1)]


@given(lattice_rows, lattice_rows, st.integers(1, 5))
def test_ties_are_taken_by_source_then_by_target(
    source: NDArray[np.float32], target: NDArray[np.float32], k: int
) -> None:
    expected = greedy(best_candidates(cosines(source, target), k))
    assert_same(mine(source, target, k, CPU, SMALL), expected)
    assert_same(mine(source, target, k, CPU, BLOCK_BYTES), expected)


@given(small_rows, small_rows, st.integers(1, 5))
def test_the_laws_of_mining(source: NDArray[np.float32], target: NDArray[np.float32], k: int) -> None:
    mined = mine(source, target, k, CPU, SMALL)
    assert len(set(mined.sources.tolist())) == len(set(mined.targets.tolist())) == len(mined.sources) > 0
    assert (np.diff(mined.margins) <= 0).all() and np.isfinite(mined.margins).all()

    found = neighbours_both(source, target, k, CPU, SMALL)
    ahead, back = margins(found)
    places = {
        (row, int(column)): score
        for row, line in enumerate(found.forward.indices)
        for column, score in zip(line, ahead[row], strict=True)
    }
    reverse = {
        (int(row), column): score
        for column, line in enumerate(found.backward.indices)
        for row, score in zip(line, back[column], strict=True)
    }
    for pair, score in zip(pairs(mined), mined.margins, strict=True):
        best_of_source = score == ahead[pair[0]].max() and places.get(pair) == score
        best_of_target = score == back[pair[1]].max() and reverse.get(pair) == score
        assert best_of_source or best_of_target
    assert all(reverse[pair] == score for pair, score in places.items() if pair in reverse)
