"""Nearest neighbours are those that the whole similarity matrix would give, in any blocks, and ties have an order."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.model.neighbours import (
    BLOCK_BYTES,
    SLACK,
    BothWays,
    Neighbours,
    nearest,
    neighbours_both,
    normalised,
    side_of,
    unify,
)

CPU = torch.device("cpu")
SMALL = 4 * 32 * 32
"""The smallest block: 32 rows and columns."""

LATTICE = np.array(
    [[0, 0, 0, 0], [1, 0, 0, 0], [0, -1, 0, 0], [1, 1, 1, 1], [1, 1, -1, 1], [-1, -1, -1, -1], [0, 0, 2, 0]], np.float32
)
"""Vectors whose norms are 0, 1 or 2: every cosine is a multiple of a quarter, and exact in float32."""
lattice_rows = st.lists(st.integers(0, len(LATTICE) - 1), min_size=1, max_size=80).map(lambda rows: LATTICE[rows])


def gaussian(rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def cosines(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """The whole matrix, in float64."""
    one, two = (
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)
        for rows in map(np.float64, (source, target))
    )
    return np.asarray(one @ two.T)


def brute_force(matrix: NDArray[np.float64], k: int) -> Neighbours:
    order = np.argsort(-matrix, axis=1, kind="stable")[:, :k]
    return Neighbours(order, np.take_along_axis(matrix, order, 1))


def assert_same(ours: BothWays, matrix: NDArray[np.float64], k: int) -> None:
    for found, expected in ((ours.forward, brute_force(matrix, k)), (ours.backward, brute_force(matrix.T, k))):
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_allclose(found.cosines, expected.cosines, rtol=0, atol=1e-12)


def assert_equal(one: BothWays, other: BothWays) -> None:
    for ours, theirs in ((one.forward, other.forward), (one.backward, other.backward)):
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_array_equal(ours.cosines, theirs.cosines)


def test_neighbours_are_those_of_the_whole_matrix() -> None:
    source, target = gaussian(500, 64, 0), gaussian(500, 64, 1)
    assert_same(neighbours_both(source, target, 4, CPU), cosines(source, target), 4)
    assert_same(neighbours_both(source, target, 4, CPU, SMALL * 9), cosines(source, target), 4)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 33), (33, 1), (32, 32), (31, 33), (64, 65), (97, 5), (3, 130)])
@pytest.mark.parametrize("k", [1, 4, 40])
def test_any_size_goes_with_any_block(sizes: tuple[int, int], k: int) -> None:
    source, target = gaussian(sizes[0], 7, 2), gaussian(sizes[1], 7, 3)
    for block_bytes in (1, SMALL, 4 * SMALL, BLOCK_BYTES):
        found = neighbours_both(source, target, k, CPU, block_bytes)
        assert found.forward.indices.shape == (sizes[0], min(k, sizes[1]))
        assert found.backward.indices.shape == (sizes[1], min(k, sizes[0]))
        assert_same(found, cosines(source, target), k)


def test_a_pair_has_the_same_bits_both_ways_and_in_any_block() -> None:
    source, target = gaussian(90, 300, 4), gaussian(70, 300, 5)
    found = neighbours_both(source, target, 90, CPU)
    ahead, back = np.empty((90, 70)), np.empty((90, 70))
    np.put_along_axis(ahead, found.forward.indices, found.forward.cosines, 1)
    np.put_along_axis(back.T, found.backward.indices, found.backward.cosines, 1)
    np.testing.assert_array_equal(ahead, back)
    assert_equal(found, neighbours_both(source, target, 90, CPU, SMALL))
    for row in range(3):
        alone = neighbours_both(source[row : row + 1], target, 5, CPU).forward
        np.testing.assert_array_equal(alone.indices[0], found.forward.indices[row, :5])
        np.testing.assert_array_equal(alone.cosines[0], found.forward.cosines[row, :5])


@given(lattice_rows, lattice_rows, st.integers(1, 6))
def test_ties_go_to_the_lower_index_however_many_there_are(
    source: NDArray[np.float32], target: NDArray[np.float32], k: int
) -> None:
    found = neighbours_both(source, target, k, CPU, SMALL)
    assert_same(found, cosines(source, target), k)
    assert_equal(found, neighbours_both(source, target, k, CPU))


def test_copies_tie_where_float32_does_not_know_it() -> None:
    source, target = gaussian(40, 1023, 6), gaussian(200, 1023, 7)
    copies = np.sort(np.random.default_rng(8).choice(200, 1 + SLACK, replace=False))
    target[copies] = source[11] + gaussian(1, 1023, 9)
    assert neighbours_both(source, target, 1, CPU, SMALL).forward.indices[11, 0] == copies[0]
    assert neighbours_both(source[11:12], target, 1, CPU, SMALL).forward.indices[0, 0] == copies[0]


def almost(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """The rows with noise that moves cosines by less than float32 can tell."""
    return rows + np.float32(1e-4) * gaussian(len(rows), rows.shape[1], seed)


def test_the_rounding_of_float32_does_not_decide() -> None:
    source = gaussian(40, 256, 23)
    target = np.concatenate([almost(source, 24 + place) for place in range(1 + SLACK)])
    matrix = cosines(source, target)
    in_float32 = torch.from_numpy(source) @ normalised(target).T
    assert (in_float32.argmax(1).numpy() != matrix.argmax(1)).any(), "the toy should be too fine for float32"
    for block_bytes in (SMALL, BLOCK_BYTES):
        assert_same(neighbours_both(source, target, 1, CPU, block_bytes), matrix, 1)
        np.testing.assert_array_equal(nearest(source, target, CPU, block_bytes), matrix.argmax(1))


def test_copies_do_not_hide_a_candidate_that_is_nearer_by_less_than_float32_tells() -> None:
    queries = gaussian(40, 256, 30)
    copied, other = almost(queries, 31), almost(queries, 32)
    candidates = np.concatenate([copied] * (2 + SLACK) + [other])
    expected = cosines(queries, np.concatenate([copied, other])).argmax(1)
    expected[expected >= 40] += 40 * (1 + SLACK)
    np.testing.assert_array_equal(nearest(queries, candidates, CPU), expected)


def test_the_nearest_candidate_is_that_of_the_whole_matrix() -> None:
    queries, candidates = gaussian(130, 24, 10), gaussian(210, 24, 11)
    for block_bytes in (SMALL, BLOCK_BYTES):
        found = nearest(queries, candidates, CPU, block_bytes)
        np.testing.assert_array_equal(found, cosines(queries, candidates).argmax(1))


def test_of_any_number_of_copies_the_first_is_nearest() -> None:
    queries, candidates = gaussian(33, 515, 12), gaussian(300, 515, 13)
    copies = np.arange(5, 300, 3)
    candidates[copies] = queries[7]
    candidates[[99, 199]] = 0
    assert nearest(queries, candidates, CPU, SMALL)[7] == 5
    assert nearest(queries[7:8], candidates, CPU, SMALL)[0] == 5
    assert nearest(-queries[7:8], candidates[copies], CPU)[0] == 0


@given(lattice_rows, lattice_rows)
def test_the_nearest_of_equals_is_the_first(queries: NDArray[np.float32], candidates: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(nearest(queries, candidates, CPU, SMALL), cosines(queries, candidates).argmax(1))


def test_a_vector_of_zeros_is_as_near_to_everything() -> None:
    source, target = np.zeros((2, 4), np.float32), LATTICE[1:]
    found = neighbours_both(source, target, 3, CPU)
    np.testing.assert_array_equal(found.forward.indices, [[0, 1, 2], [0, 1, 2]])
    assert not found.forward.cosines.any() and not found.backward.cosines.any()


def test_tensors_are_as_good_as_arrays_and_stay_what_they_were() -> None:
    source, target = gaussian(50, 12, 14), gaussian(60, 24, 15)[:, ::2]
    copies = torch.tensor(source), torch.tensor(target)
    assert_equal(neighbours_both(*copies, 3, CPU), neighbours_both(source, target, 3, CPU))
    assert torch.equal(copies[0], torch.tensor(gaussian(50, 12, 14)))


def test_lengths_of_vectors_do_not_matter() -> None:
    source, target = gaussian(50, 12, 16), gaussian(60, 12, 17)
    lengths = 2.0 ** np.random.default_rng(18).integers(-9, 9, (60, 1)).astype(np.float32)
    assert_equal(neighbours_both(source, target * lengths, 3, CPU), neighbours_both(source, target, 3, CPU))


@pytest.fixture
def own_threads() -> Iterator[None]:
    """A test may set the number of threads for itself."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("own_threads")
@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_change_the_result(threads: int) -> None:
    source, target = gaussian(900, 40, 33), gaussian(700, 40, 34)
    torch.set_num_threads(threads)
    with torch.inference_mode():
        found = neighbours_both(source, target, 4, CPU, 64 * SMALL)
    assert_same(found, cosines(source, target), 4)


def test_empty_sides_have_no_neighbours() -> None:
    none, some = gaussian(0, 4, 0), gaussian(3, 4, 0)
    for source, target in ((none, some), (some, none), (none, none)):
        found = neighbours_both(source, target, 2, CPU)
        assert found.forward.indices.shape == found.forward.cosines.shape == (len(source), min(2, len(target)))
        assert found.backward.indices.shape == found.backward.cosines.shape == (len(target), min(2, len(source)))
    assert nearest(none, some, CPU).shape == (0,)
    with pytest.raises(StiltsError, match="0 candidates was asked for, for 3 queries"):
        nearest(some, none, CPU)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_embeddings_that_are_no_numbers_are_refused(bad: float) -> None:
    broken = gaussian(600, 4, 19)
    broken[[513, 590], 2] = bad
    for source, target in ((broken, LATTICE), (LATTICE, broken)):
        with pytest.raises(StiltsError, match="2 of 600 embeddings hold NaN or infinity, the first is number 513"):
            neighbours_both(source, target, 1, CPU)


def test_a_search_that_means_nothing_is_refused() -> None:
    with pytest.raises(Mistake, match="0 nearest neighbours"):
        neighbours_both(LATTICE, LATTICE, 0, CPU)
    with pytest.raises(StiltsError, match="of 4 and of 3 numbers"):
        nearest(LATTICE, LATTICE[:, :3], CPU)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The largest tensor that any operation returns, in bytes of its storage."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
        return result


@pytest.mark.usefixtures("own_threads")
def test_no_tensor_is_larger_than_a_block() -> None:
    torch.set_num_threads(1)  # Largest sees no other
    source, target, block_bytes = gaussian(6000, 16, 20), gaussian(6000, 16, 21), 2**22
    with Largest() as largest:
        neighbours_both(source, target, 4, CPU, block_bytes)
    assert largest.bytes == 4 * side_of(block_bytes) ** 2 == block_bytes
    with Largest() as largest:
        cosines(source[:10], target[:10])
        _ = torch.empty(3, 5) + 1
    assert largest.bytes == 60, "the measure sees what is allocated"


def test_rows_are_normalised_and_zeros_stay() -> None:
    rows = np.concatenate([gaussian(20, 9, 22), np.zeros((1, 9), np.float32)])
    unit = normalised(rows)
    assert unit.dtype == torch.float32
    torch.testing.assert_close(unit[:20].norm(dim=1), torch.ones(20))
    torch.testing.assert_close(unit[:20] * torch.tensor(rows[:20]).norm(dim=1, keepdim=True), torch.tensor(rows[:20]))
    assert not unit[20].any()


@given(st.lists(st.sampled_from(["", "a", "b", "A", "a ", "é"])))
def test_each_text_finds_its_form_again(texts: list[str]) -> None:
    distinct, index = unify(texts)
    assert [distinct[form] for form in index] == texts
    assert distinct == list(dict.fromkeys(texts))
