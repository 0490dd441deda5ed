"""Scores are percentages recomputed from prediction rows."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.metrics.scores import METRIC_OF_COUNT, SCORERS, item_counts, score

Rows = list[dict[str, object]]


def rows(*pairs: tuple[str, object]) -> Rows:
    return [{"id": f"q{place}", "cluster": "c", "prediction": p, "gold": g} for place, (p, g) in enumerate(pairs)]


def test_accuracy_is_the_percentage_of_equal_labels():
    assert score("accuracy", rows(("0", "0"), ("1", "0"), ("1", "1"), ("0", "0")), "en") == {"accuracy": 75.0}


def test_reading_scores_are_percentages_over_all_questions():
    given_rows = rows(("a cat", ["cat"]), ("big dog", ["dog", "hound"]), ("x", ["y"]), ("", ["z"]))
    assert score("squad", given_rows, "fi") == {"f1": pytest.approx(100 * (1 + 2 / 3) / 4), "exact_match": 25.0}


def test_the_language_chooses_mlqas_rules():
    german = rows(("das Haus", ["Haus"]))
    assert score("mlqa", german, "de") == {"f1": 100.0, "exact_match": 100.0}
    assert score("mlqa", german, "es") == {"f1": pytest.approx(200 / 3), "exact_match": 0.0}


def test_one_item_counts_between_0_and_1():
    assert item_counts("accuracy", "neutral", "neutral", "sw") == {"correct": 1.0}
    assert item_counts("squad", "red house", ["house"], "sw") == {"f1": pytest.approx(2 / 3), "exact_match": 0.0}


@pytest.mark.parametrize(("scorer", "gold"), [("accuracy", None), ("squad", []), ("squad", None), ("mlqa", ())])
def test_an_item_without_gold_counts_nothing(scorer: str, gold: list[str] | None):
    assert item_counts(scorer, "x", gold, "en") == {}
    assert score(scorer, rows(("x", gold), ("y", gold)), "en") == {}


def test_no_rows_give_no_score():
    assert score("accuracy", [], "en") == {}


def test_an_unlabelled_row_among_labelled_ones_is_an_error_that_names_it():
    with pytest.raises(StiltsError, match="1 of 3 .*q1"):
        score("accuracy", rows(("0", "0"), ("1", None), ("1", "1")), "en")


def test_an_unknown_scorer_is_a_mistake_even_without_gold():
    with pytest.raises(Mistake, match="Did you mean 'squad'"):
        item_counts("sqad", "x", None, "en")


@pytest.mark.parametrize("scorer", sorted(SCORERS))
def test_every_count_of_every_scorer_has_a_metric_name(scorer: str):
    gold = "x" if scorer == "accuracy" else ["x"]
    counts = item_counts(scorer, "x", gold, "en")
    assert set(score(scorer, rows(("x", gold)), "en")) == {METRIC_OF_COUNT[name] for name in counts}


answers = st.text(alphabet="ab c", max_size=8)
labelled = st.lists(st.tuples(answers, st.lists(answers, min_size=1, max_size=2)), min_size=1, max_size=12)


@given(pairs=labelled, order=st.randoms())
def test_scores_do_not_depend_on_the_order_of_rows(pairs: list[tuple[str, list[str]]], order):
    shuffled = rows(*pairs)
    order.shuffle(shuffled)
    assert score("squad", shuffled, "en") == score("squad", rows(*pairs), "en")


@given(pairs=labelled)
def test_the_mean_of_the_item_counts_is_the_score(pairs: list[tuple[str, list[str]]]):
    items = [item_counts("squad", prediction, gold, "en") for prediction, gold in pairs]
    means = {name: 100 * sum(item[name] for item in items) / len(items) for name in items[0]}
    assert score("squad", rows(*pairs), "en") == pytest.approx(means)


def test_scoring_imports_nothing_outside_the_standard_library():
    code = (
        "import sys, stilts_xl.metrics.scores\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(roots & {'numpy', 'torch', 'transformers', 'evaluate', 'datasets', 'rich'})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
