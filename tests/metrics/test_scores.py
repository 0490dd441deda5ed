"""Scores are recomputed from prediction rows, equal to the reference scorers', and shared out over items."""

import math
import subprocess
import sys
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, f1_score, precision_score, recall_score

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.metrics.scores import METRICS, SCORERS, item_counts, score, shares

Rows = list[dict[str, Any]]
IOB = "O B-PER I-PER B-LOC I-LOC".split()
words = st.text(alphabet="ab c", max_size=8)
ids = st.sampled_from(["", "en-1", "en-2"])


def rows(*pairs: tuple[object, object]) -> Rows:
    return [{"id": f"q{place}", "cluster": "c", "prediction": p, "gold": g} for place, (p, g) in enumerate(pairs)]


def sentences(tags: list[str]) -> st.SearchStrategy[Rows]:
    one = st.sampled_from(tags)
    made = st.lists(st.lists(st.tuples(one, one), min_size=1, max_size=6), min_size=1, max_size=6)
    return made.map(lambda found: rows(*(([p for p, _ in pairs], [g for _, g in pairs]) for pairs in found)))


def masked_rows(found: list[tuple[list[tuple[str, str]], float]]) -> Rows:
    plain = rows(*(([p for p, _ in pairs], [g for _, g in pairs]) for pairs, _ in found))
    return [
        row | {"log_likelihood": value if row["gold"] else 0.0} for row, (_, value) in zip(plain, found, strict=True)
    ]


def listed(prediction: st.SearchStrategy[Any], gold: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    return st.lists(st.tuples(prediction, gold), min_size=1, max_size=10).map(lambda pairs: rows(*pairs))


pieces = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=5)
ROWS: dict[str, st.SearchStrategy[Rows]] = {
    "accuracy": listed(st.sampled_from("012"), st.sampled_from("012")),
    "squad": listed(words, st.lists(words, min_size=1, max_size=2)),
    "squad_v2": listed(words, st.one_of(st.just([""]), st.lists(words, min_size=1, max_size=2))),
    "mlqa": listed(words, st.lists(words, min_size=1, max_size=2)),
    "udpos": sentences("NOUN VERB SYM INTJ O".split()),
    "panx": sentences(IOB),
    "ccg": sentences("N N/N NP".split()),
    "bucc": listed(ids, st.lists(ids.filter(bool), max_size=2, unique=True)),
    "nearest": listed(st.sampled_from("012"), st.sampled_from("012").map(lambda one: [one])),
    "masked": st.lists(st.tuples(pieces, st.floats(-40, 0)), min_size=1, max_size=8).map(masked_rows),
}
any_rows = st.sampled_from(sorted(ROWS)).flatmap(lambda scorer: st.tuples(st.just(scorer), ROWS[scorer]))
PERFECT = {
    "accuracy": [("1", "1"), ("0", "0")],
    "squad": [("a big house", ["house", "big house"]), ("1999", ["1999"])],
    "squad_v2": [("a big house", ["big house"]), ("", [""])],
    "mlqa": [("Das Haus.", ["Haus"]), ("1999", ["1999"])],
    "udpos": [(["NOUN", "SYM", "SYM"],) * 2, (["INTJ", "INTJ"],) * 2],
    "panx": [(["B-PER", "I-PER", "O"],) * 2, (["B-LOC"],) * 2],
    "ccg": [(["N", "N/N"],) * 2],
    "bucc": [("en-1", ["en-1"]), ("", [])],
    "nearest": [("7", ["7"]), ("0", ["0"])],
}


def test_accuracy_is_the_percentage_of_equal_labels():
    assert score("accuracy", rows(("0", "0"), ("1", "0"), ("1", "1"), ("0", "0")), "en") == {"accuracy": 75.0}


def test_accuracy_is_divided_before_it_is_multiplied():
    assert score("accuracy", rows(*[("1", "1")] * 29, *[("1", "0")] * 71), "en") == {"accuracy": 28.999999999999996}


def test_reading_scores_are_multiplied_before_they_are_divided():
    assert score("squad", rows(*[("x", ["x"])] * 29, *[("x", ["y"])] * 71), "en") == {"f1": 29.0, "exact_match": 29.0}


def test_reading_scores_are_percentages_over_all_questions():
    given_rows = rows(("a cat", ["cat"]), ("big dog", ["dog", "hound"]), ("x", ["y"]), ("", ["z"]))
    assert score("squad", given_rows, "fi") == {"f1": pytest.approx(100 * (1 + 2 / 3) / 4), "exact_match": 25.0}


def test_reading_scores_are_added_one_by_one_as_the_references_add():
    # F1 of "b c" is 2/3, of "b c d e" 2 · 1/4 / (5/4) = 2/5: 3 · 2/3 + 5 · 2/5 = 4 of 8, but not in floating point
    given_rows = rows(*[("b c", ["c"])] * 3, *[("b c d e", ["c"])] * 5)
    assert score("squad", given_rows, "en")["f1"] == 100.0 * 3.9999999999999996 / 8 < 50.0


def test_unanswerable_questions_count_like_any_other():
    given_rows = rows(("", [""]), ("1999", [""]), ("", ["1999"]), ("in 1999", ["1999"]))
    assert score("squad_v2", given_rows, "en") == {"f1": pytest.approx(100 * (1 + 2 / 3) / 4), "exact_match": 25.0}


def test_the_language_chooses_mlqas_rules():
    german = rows(("das Haus", ["Haus"]))
    assert score("mlqa", german, "de") == {"f1": 100.0, "exact_match": 100.0}
    assert score("mlqa", german, "es") == {"f1": pytest.approx(200 / 3), "exact_match": 0.0}


def test_of_a_pair_of_languages_the_context_gives_mlqas_rules():
    german = rows(("das Haus", ["Haus"]))
    assert score("mlqa", german, "de-en") == score("mlqa", german, "de")
    assert score("mlqa", german, "en-de") == score("mlqa", german, "en")


def test_chunk_scores_of_upos_tags():
    found = score(
        "udpos",
        rows(("DET NOUN VERB SYM SYM".split(), "DET NOUN NOUN SYM SYM".split()), (["O", "INTJ"], ["INTJ", "INTJ"])),
        "ja",
    )
    # gold 5: DET, NOUN NOUN, SYM, SYM, INTJ INTJ; predicted 6: DET, NOUN, VERB, SYM, SYM, INTJ; hits 3: DET, SYM, SYM
    assert found["precision"] == pytest.approx(100 * 3 / 6)
    assert found["recall"] == pytest.approx(100 * 3 / 5)
    assert found["f1"] == pytest.approx(100 * 2 * 3 / 11)
    assert found["accuracy"] == pytest.approx(100 * 5 / 7)


def test_chunk_scores_of_entities():
    gold = "B-PER I-PER O B-LOC".split()
    found = score("panx", rows(("B-PER I-PER O B-ORG".split(), gold), ("I-PER I-PER B-LOC I-LOC".split(), gold)), "sw")
    # hits: PER and PER, the second without its B-; predicted 4, gold 4; words 3 and 1 of 4
    assert found == {"f1": 50.0, "precision": 50.0, "recall": 50.0, "accuracy": 50.0}


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(made=sentences(IOB))
def test_entity_scores_are_those_of_seqeval(made: Rows):
    gold, predicted = [row["gold"] for row in made], [row["prediction"] for row in made]
    assert score("panx", made, "af") == pytest.approx(
        {
            "f1": 100 * f1_score(gold, predicted, zero_division=0),
            "precision": 100 * precision_score(gold, predicted, zero_division=0),
            "recall": 100 * recall_score(gold, predicted, zero_division=0),
            "accuracy": 100 * accuracy_score(gold, predicted),
        },
        abs=1e-9,
    )


def test_categories_have_token_accuracy_alone():
    assert score("ccg", rows((["N", "NP"], ["N", "N"]), (["N"], ["N"])), "en") == {"accuracy": pytest.approx(200 / 3)}


def test_mined_pairs_are_counted_over_all_queries():
    made = rows(("en-1", ["en-1"]), ("en-5", []), ("", ["en-2"]), ("en-3", ["en-3"]), ("", []), ("", ["en-4"]))
    # 2 hits, 3 predicted, 4 gold
    assert score("bucc", made, "zh") == {
        "f1": pytest.approx(100 * 4 / 7),
        "precision": pytest.approx(200 / 3),
        "recall": 50.0,
    }


def test_nothing_mined_scores_0():
    assert score("bucc", rows(("", ["en-1"]), ("", [])), "zh") == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_a_neighbour_is_right_when_it_is_the_translation():
    assert score("nearest", rows(("3", ["3"]), ("1", ["2"])), "sw") == {"accuracy": 50.0}


def test_masked_language_modelling_has_a_loss_in_nats_per_piece():
    made = masked_rows([([("a", "a"), ("b", "c")], -3.0), ([("a", "a")], -0.6), ([], 0.0)])
    assert score("masked", made, "sw") == {"loss": pytest.approx(3.6 / 3), "accuracy": pytest.approx(200 / 3)}
    assert METRICS["loss"].scale == 1
    assert not METRICS["loss"].higher


@pytest.mark.parametrize("scorer", PERFECT)
def test_perfect_predictions_score_100(scorer: str):
    assert set(score(scorer, rows(*PERFECT[scorer]), "de").values()) == {100.0}


def test_shuffled_predictions_score_what_agrees_by_chance():
    gold = ["0", "1", "2"] * 200
    shuffled = gold.copy()
    Random(5).shuffle(shuffled)
    agree = sum(made == wanted for made, wanted in zip(shuffled, gold, strict=True))
    found = score("accuracy", rows(*zip(shuffled, gold, strict=True)), "en")["accuracy"]
    assert found == agree / 600 * 100
    assert 25 < found < 42


def test_one_item_counts_what_it_adds():
    assert item_counts("accuracy", rows(("neutral", "neutral"))[0], "sw") == {"correct": 1.0}
    assert item_counts("squad", rows(("red house", ["house"]))[0], "sw") == {
        "f1": pytest.approx(2 / 3),
        "exact_match": 0.0,
    }
    assert item_counts("bucc", rows(("en-1", []))[0], "de") == {"hits": 0, "predicted": 1, "gold": 0}


@pytest.mark.parametrize("scorer", sorted(SCORERS))
def test_hidden_gold_counts_nothing(scorer: str):
    assert item_counts(scorer, rows(("x", None))[0], "en") == {}
    assert score(scorer, rows(("x", None), ("y", None)), "en") == {}


@pytest.mark.parametrize(("scorer", "gold"), [("accuracy", ""), ("squad", []), ("mlqa", []), ("nearest", [])])
def test_an_empty_gold_is_hidden_where_it_cannot_be_right(scorer: str, gold: object):
    assert score(scorer, rows(("x", gold)), "en") == {}


def test_no_rows_give_no_score():
    assert score("accuracy", [], "en") == {}


def test_an_unlabelled_row_among_labelled_ones_is_an_error_that_names_it():
    with pytest.raises(StiltsError, match="1 of 3 .*q1"):
        score("accuracy", rows(("0", "0"), ("1", None), ("1", "1")), "en")


@pytest.mark.parametrize("scorer", ["udpos", "panx", "ccg", "masked"])
@pytest.mark.parametrize("prediction", [["O"], ["O", "O", "O"]])
def test_more_or_fewer_tags_than_words_are_an_error_that_names_the_row(scorer: str, prediction: list[str]):
    with pytest.raises(StiltsError, match=f"'q1' has {len(prediction)} .* 2"):
        score(scorer, [row | {"log_likelihood": -1.0} for row in rows((["O"], ["O"]), (prediction, ["O", "O"]))], "en")


def test_an_unknown_scorer_is_a_mistake_even_without_gold():
    with pytest.raises(Mistake, match="Did you mean 'squad'"):
        item_counts("sqad", rows(("x", None))[0], "en")


def test_the_share_of_a_metric_that_a_scorer_has_not_is_a_mistake():
    with pytest.raises(Mistake, match="unknown metric of 'ccg' 'f1'"):
        shares("ccg", "f1", [{"correct": 1, "words": 1}])


@pytest.mark.parametrize("scorer", sorted(SCORERS))
def test_every_metric_of_every_scorer_has_a_unit_a_ratio_and_a_value(scorer: str):
    zeros = dict.fromkeys(("correct", "f1", "exact_match", "hits", "predicted", "gold", "words", "loss"), 0.0)
    values = SCORERS[scorer].values({**zeros, "items": 1})
    assert list(values) == list(SCORERS[scorer].ratios)
    assert set(values) <= set(METRICS)


def test_shares_of_a_mean_are_what_each_item_has():
    assert shares("accuracy", "accuracy", [{"correct": 1.0}, {"correct": 0.0}, {"correct": 1.0}]) == [100.0, 0.0, 100.0]


def test_shares_of_chunk_f1_are_linear_around_it():
    counts = [{"hits": 1, "predicted": 1, "gold": 1}, {"hits": 0, "predicted": 1, "gold": 2}]
    # F1 = 2·1/(2 + 3) = 0.4, mean denominator 2.5: 0.4 + (2 - 0.4·2)/2.5 = 0.88 and 0.4 + (0 - 0.4·3)/2.5 = -0.08
    assert shares("bucc", "f1", counts) == pytest.approx([88.0, -8.0])


def test_shares_are_0_where_the_denominator_is():
    assert shares("bucc", "precision", [{"hits": 0, "predicted": 0, "gold": 1}] * 2) == [0.0, 0.0]
    assert shares("accuracy", "accuracy", []) == []


@given(drawn=any_rows)
def test_the_mean_of_the_shares_is_the_score(drawn: tuple[str, Rows]):
    scorer, made = drawn
    counts = [item_counts(scorer, row, "en") for row in made]
    for metric, value in score(scorer, made, "en").items():
        found = shares(scorer, metric, counts)
        assert math.fsum(found) / len(found) == pytest.approx(value, abs=1e-9)


@given(drawn=any_rows, place=st.integers(0, 9))
def test_a_share_says_how_the_score_moves_without_the_item(drawn: tuple[str, Rows], place: int):
    scorer, made = drawn
    assume(place < len(made) > 1)
    counts = [item_counts(scorer, row, "en") for row in made]
    left = [row for other, row in enumerate(made) if other != place]
    for metric, value in score(scorer, made, "en").items():
        names = SCORERS[scorer].ratios[metric].over
        weights = [sum(({"items": 1} | count)[name] for name in names) for count in counts]
        rest = sum(weights) - weights[place]
        if rest:
            without = score(scorer, left, "en")[metric]
            moved = (shares(scorer, metric, counts)[place] - value) * sum(weights) / len(made) / rest
            assert value - without == pytest.approx(moved, abs=1e-7)


@given(drawn=any_rows, order=st.randoms())
def test_scores_depend_on_the_order_of_rows_in_no_more_than_the_last_digits(drawn: tuple[str, Rows], order: Random):
    scorer, made = drawn
    shuffled = made.copy()
    order.shuffle(shuffled)
    assert score(scorer, shuffled, "en") == pytest.approx(score(scorer, made, "en"), rel=1e-12)


@given(drawn=any_rows)
def test_percentages_lie_between_0_and_100(drawn: tuple[str, Rows]):
    scorer, made = drawn
    for metric, value in score(scorer, made, "en").items():
        assert value >= 0 and (METRICS[metric].scale == 1 or value <= 100 + 1e-9)


def test_scoring_imports_nothing_outside_the_standard_library():
    code = (
        "import sys, stilts_xl.metrics.scores\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print(roots & {'numpy', 'torch', 'transformers', 'evaluate', 'datasets', 'rich', 'seqeval'})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
