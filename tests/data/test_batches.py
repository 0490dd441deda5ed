"""Batches are pure functions: an epoch is a permutation, a micro-batch fits its budget, and nothing is lost or doubled."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.data.batches import batch, by_length, micro_batches, quotas, share, steps_per_epoch

LAYOUTS = ("packed", "bucketed", "padded")
LENGTHS = st.lists(st.integers(1, 90), min_size=1, max_size=40)


def cost(lengths: np.ndarray, part: np.ndarray, layout: str) -> int:
    """Tokens that are computed for a micro-batch."""
    return int(lengths[part].sum()) if layout == "packed" else int(lengths[part].max()) * len(part)


@given(LENGTHS, st.sampled_from(LAYOUTS), st.integers(1, 300), st.randoms(use_true_random=False))
def test_micro_batches_are_a_partition_within_the_budget(lengths, layout, budget, random) -> None:
    known = np.array(lengths)
    indices = np.array(random.sample(range(len(lengths)), random.randint(1, len(lengths))))
    parts = micro_batches(indices, known, layout, budget)
    assert sorted(np.concatenate(parts).tolist()) == sorted(indices.tolist())
    assert all(len(part) == 1 or cost(known, part, layout) <= budget for part in parts)


@given(LENGTHS, st.sampled_from(LAYOUTS), st.integers(1, 300))
def test_no_two_neighbouring_micro_batches_would_fit_as_one(lengths, layout, budget) -> None:
    known = np.array(lengths)
    parts = micro_batches(np.arange(len(lengths)), known, layout, budget)
    for part, following in zip(parts, parts[1:], strict=False):
        assert cost(known, np.append(part, following[0]), layout) > budget


@given(LENGTHS, st.integers(1, 300))
def test_padded_keeps_the_order_and_the_others_sort_by_length(lengths, budget) -> None:
    known, indices = np.array(lengths), np.arange(len(lengths))
    assert np.concatenate(micro_batches(indices, known, "padded", budget)).tolist() == indices.tolist()
    for layout in ("packed", "bucketed"):
        ordered = known[np.concatenate(micro_batches(indices, known, layout, budget))]
        assert (np.diff(ordered) <= 0).all()


@given(LENGTHS, st.integers(1, 7))
def test_the_processes_shares_are_a_partition_of_the_batch(lengths, processes) -> None:
    known, indices = np.array(lengths), np.arange(len(lengths))[::-1]
    shares = [share(indices, known, rank, processes) for rank in range(processes)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(lengths)))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_shares_have_about_the_same_work() -> None:
    known = np.array([1, 100, 2, 99, 3, 98, 4, 97])
    work = [known[share(np.arange(8), known, rank, 2)].sum() for rank in (0, 1)]
    assert abs(work[0] - work[1]) < 10


@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**31), st.integers(0, 3))
def test_an_epoch_s_batches_are_a_permutation(sequences, batch_size, seed, epoch) -> None:
    steps = steps_per_epoch(sequences, batch_size)
    found = [batch(epoch * steps + step, (sequences,), batch_size, seed, 1.0) for step in range(steps)]
    assert sorted(np.concatenate(found).tolist()) == list(range(sequences))
    assert [len(each) for each in found[:-1]] == [batch_size] * (steps - 1)


def test_a_batch_is_a_function_of_seed_and_step_alone() -> None:
    expected = [batch(step, (50,), 8, 3, 1.0).tolist() for step in range(20)]
    np.random.seed(1)
    assert [batch(step, (50,), 8, 3, 1.0).tolist() for step in reversed(range(20))] == expected[::-1]


def test_epochs_and_seeds_have_their_own_orders() -> None:
    orders = {tuple(batch(epoch, (50,), 50, seed, 1.0).tolist()) for epoch in range(3) for seed in (1, 2)}
    assert len(orders) == 6


@pytest.mark.parametrize("layout", LAYOUTS)
def test_prediction_covers_a_set_longest_first(layout: str) -> None:
    lengths = [3, 30, 4, 60, 5, 30]
    parts = list(by_length(lengths, layout, 64))
    assert sorted(np.concatenate(parts).tolist()) == list(range(6))
    assert parts[0][0] == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_empty_set_has_no_batches(layout: str) -> None:
    assert list(by_length([], layout, 64)) == []


SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=6).map(tuple)


@given(SIZES, st.integers(0, 3))
def test_with_exponent_one_every_sequence_of_every_part_comes_once_an_epoch(sizes, epoch) -> None:
    total = sum(sizes)
    assert sorted(batch(epoch, sizes, total, 5, 1.0).tolist()) == list(range(total))


@given(SIZES, st.sampled_from([0.0, 0.3, 0.7]), st.integers(0, 3))
def test_an_epoch_draws_from_each_part_its_quota_and_no_sequence_much_oftener_than_another(sizes, alpha, epoch) -> None:
    total = sum(sizes)
    drawn = np.bincount(batch(epoch, sizes, total, 5, alpha), minlength=total)
    assert drawn.sum() == total
    for size, end, quota in zip(sizes, np.cumsum(sizes), quotas(sizes, alpha), strict=True):
        part = drawn[end - size : end]
        assert part.sum() == quota
        assert part.max() - part.min() <= 1


def test_quotas_are_shares_by_the_power_of_the_sizes() -> None:
    assert quotas((100, 900), 1.0) == [100, 900]
    assert quotas((100, 900), 0.5) == [250, 750]  # 10 : 30
    assert quotas((100, 900), 0.0) == [500, 500]
    assert quotas((1, 1, 1), 0.3) == [1, 1, 1]
    assert quotas((1, 1000), 0.5) == [31, 970]  # 1 : 31.62 of 1001 is 30.68 and 970.32


def test_a_mixture_s_batches_are_a_function_of_seed_step_and_exponent() -> None:
    sizes = (20, 400)
    one, same = (batch(7, sizes, 16, 3, 0.3).tolist() for _ in range(2))
    assert one == same
    assert one != batch(7, sizes, 16, 4, 0.3).tolist()
    assert one != batch(7, sizes, 16, 3, 1.0).tolist()
