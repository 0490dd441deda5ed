"""Retrieved pairs are counted as a set, and the threshold is the one at which F1 is highest."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stilts_xl.core.errors import StiltsError
from stilts_xl.metrics.retrieval import f1_of_counts, fit_threshold, pair_counts


@pytest.mark.parametrize(
    ("prediction", "gold", "counts"),
    [
        ("en-7", ["en-7"], (1, 1, 1)),
        ("en-8", ["en-7"], (0, 1, 1)),
        ("", ["en-7"], (0, 0, 1)),
        ("en-8", [], (0, 1, 0)),
        ("", [], (0, 0, 0)),
        ("en-9", ["en-7", "en-9"], (1, 1, 2)),
    ],
)
def test_a_query_adds_at_most_one_hit_one_prediction_and_all_its_gold(
    prediction: str, gold: list[str], counts: tuple[int, int, int]
):
    assert pair_counts(prediction, gold) == dict(zip(("hits", "predicted", "gold"), counts, strict=True))


def test_the_threshold_lies_midway_behind_the_best_cut():
    # F1 after each pair, with 3 right ones in all: 2·1/(1+3) = 1/2, 2·2/(2+3) = 4/5, 4/6, 4/7
    assert fit_threshold([(1.4, True), (1.3, True), (1.1, False), (1.0, False)], 3) == pytest.approx(1.2)


def test_pairs_are_ranked_by_score_whatever_their_order():
    assert fit_threshold([(1.0, False), (1.3, True), (1.1, False), (1.4, True)], 3) == pytest.approx(1.2)


def test_where_the_last_cut_is_best_the_threshold_is_the_last_score():
    # F1: 2·1/(1+2) = 2/3, 2·1/(2+2) = 1/2, 2·2/(3+2) = 4/5
    assert fit_threshold([(1.5, True), (1.25, False), (1.125, True)], 2) == 1.125
    assert fit_threshold([(0.75, True)], 1) == 0.75


def test_the_first_of_equally_good_cuts_is_taken():
    # F1 with 4 right ones in all: 2·1/(1+4) = 2/5, then 2/6, 2/7, and 2·2/(4+4) = 1/2, 4/9, 4/10, 4/11, 6/12 = 1/2
    rights = [True, False, False, True, False, False, False, True]
    assert fit_threshold([(20.0 - place, right) for place, right in enumerate(rights)], 4) == 16.5


def test_pairs_with_the_same_score_are_taken_in_the_order_given_and_kept_together():
    # the right one of the two that tie at 1.0 comes first: the best cut lies between them, and both reach 1.0
    assert fit_threshold([(2.0, True), (1.0, True), (1.0, False), (0.5, False)], 2) == 1.0
    # the wrong one comes first: F1 is 2/3, 1/2, 4/5, 2/3, and the best cut lies behind both
    assert fit_threshold([(2.0, True), (1.0, False), (1.0, True), (0.5, False)], 2) == 0.75


def test_without_a_right_pair_the_threshold_is_zero():
    assert fit_threshold([(1.2, False), (1.1, False)], 5) == 0.0


def test_without_candidates_there_is_no_threshold():
    with pytest.raises(StiltsError, match="no candidate pair was found"):
        fit_threshold([], 3)


def test_f1_of_counts_is_harmonic_and_0_without_a_hit():
    assert f1_of_counts(2, 4, 8) == 2 * 0.5 * 0.25 / 0.75
    assert f1_of_counts(0, 0, 0) == f1_of_counts(0, 3, 0) == 0.0


@given(
    pairs=st.lists(
        st.tuples(st.integers(1, 10**6), st.booleans()), min_size=1, max_size=15, unique_by=lambda pair: pair[0]
    ),
    missed=st.integers(0, 4),
)
def test_no_other_threshold_gives_a_higher_f1(pairs: list[tuple[int, bool]], missed: int):
    total = sum(right for _, right in pairs) + missed
    assume(total > 0)

    def kept_f1(least: float) -> float:
        kept = [right for value, right in pairs if value >= least]
        return f1_of_counts(sum(kept), len(kept), total)

    assert kept_f1(fit_threshold(pairs, total)) == max(kept_f1(value) for value, _ in pairs)
