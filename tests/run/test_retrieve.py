"""Sentence retrieval: whole searches on hand-made sentences, rules of the reference one by one."""

import numpy as np
import pytest
import torch

from stilts_xl.core.example import SentenceExample
from stilts_xl.core.stage import Predict
from stilts_xl.run.plan import missing_stages
from stilts_xl.run.retrieve import Side, Sides, fitted, mined, mined_rows, nearest_rows
from stilts_xl.run.runner import run_missing
from stilts_xl.store.store import completed, read_predictions, stage_folder
from toys import chain

CPU = torch.device("cpu")


def side(query: bool, texts: str, gold: dict[str, tuple[str, ...]] | None = None) -> Side:
    """Sentences that are single letters, ids their places; equal letters are one text. 'a' to 'z' point in directions
    of the plane, ten degrees apart."""
    distinct = list(dict.fromkeys(texts))
    turns = np.array([(ord(letter) - ord("a")) * np.pi / 18 for letter in distinct])
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)[:, None]
    prefix = "q" if query else "c"
    examples = tuple(
        SentenceExample(f"{prefix}{place}", f"{prefix}{place}", letter, query, (gold or {}).get(f"{prefix}{place}", ()) if query else None)
        for place, letter in enumerate(texts)
    )  # fmt: skip
    return Side(examples, vectors, [distinct.index(letter) for letter in texts])


def sides(queries: str, candidates: str, gold: dict[str, tuple[str, ...]] | None = None) -> Sides:
    return Sides(side(True, queries, gold), side(False, candidates), {})


def test_the_nearest_candidate_is_the_prediction_and_the_first_of_duplicates() -> None:
    rows = nearest_rows(sides("ah", "gbhbh"), 0, CPU)
    assert [(row["id"], row["prediction"]) for row in rows] == [("q0", "c1"), ("q1", "c2")]
    assert rows[0]["score"] == pytest.approx(np.cos(np.pi / 18), abs=1e-6)
    assert rows[1]["score"] == pytest.approx(1.0, abs=1e-6)


def test_a_text_that_stands_twice_is_mined_but_never_told() -> None:
    pairs = mined(sides("aah", "ah"), 0, 4, CPU)
    assert [(query, candidate) for query, candidate, _ in pairs] == [("q2", "c1")]
    assert mined(sides("ah", "ahh"), 0, 4, CPU) == [
        pair for pair in mined(sides("ah", "ahh"), 0, 4, CPU) if pair[1] == "c0"
    ]


def test_pairs_are_one_to_one_by_falling_margin() -> None:
    pairs = mined(sides("acehk", "bcfkz"), 0, 4, CPU)
    margins = [margin for _, _, margin in pairs]
    assert margins == sorted(margins, reverse=True)
    assert len({query for query, _, _ in pairs}) == len(pairs) == len({candidate for _, candidate, _ in pairs})
    assert ("q4", "c3") in {(query, candidate) for query, candidate, _ in pairs}


def test_the_threshold_is_fitted_on_gold_and_cuts_what_is_below_it() -> None:
    found = sides("abcd", "wxyz", {"q0": ("c0",), "q1": ("c1",), "q3": ("c3",)})
    pairs = [("q0", "c0", 1.4), ("q1", "c1", 1.2), ("q2", "c2", 1.0), ("q3", "c0", 0.9)]
    threshold = fitted(found, pairs)
    assert threshold == pytest.approx(1.1)  # F1 at the cuts: 2·1/(1+3), 2·2/(2+3), 2·2/(3+3), 2·2/(4+3)
    rows = mined_rows(found, pairs[:3], threshold)
    assert [row["prediction"] for row in rows] == ["c0", "c1", "", ""]
    assert [row["candidate"] for row in rows] == ["c0", "c1", "c2", ""]
    assert [row["gold"] for row in rows] == [["c0"], ["c1"], [], ["c3"]]


def made(tmp_path, *overrides: str) -> list[tuple[Predict, dict, list[dict]]]:
    found = chain(tmp_path, *overrides, "compute.threads=1")
    run_missing(missing_stages(found.goals, tmp_path), found.site, lambda event: None, lambda: False)
    return [
        (goal, dict(completed(tmp_path, goal).facts), read_predictions(stage_folder(tmp_path, goal)))
        for goal in found.goals
    ]


def test_a_curve_scores_every_layer_in_one_pass_and_the_chosen_one_as_alone(tmp_path) -> None:
    curve = made(tmp_path, "target=tatoeba", "target.curve=true", "target.layer=1", "languages=[de,ru]")
    for _, facts, rows in curve:
        assert set(facts["curve"]) == {"0", "1", "2"}
        assert facts["layer"] == 1
        right = sum(row["prediction"] in row["gold"] for row in rows) / len(rows) * 100
        assert facts["curve"]["1"]["accuracy"] == right
    alone = {
        goal.data.language: rows
        for goal, _, rows in made(tmp_path, "target=tatoeba", "target.layer=1", "languages=[de,ru]")
    }
    for goal, _, rows in curve:
        other = alone[goal.data.language]
        assert [row["prediction"] for row in rows] == [row["prediction"] for row in other]
        assert [row["score"] for row in rows] == pytest.approx([row["score"] for row in other], abs=1e-5)


@pytest.mark.parametrize("layout", ["bucketed", "padded"])
def test_vectors_do_not_depend_on_the_layout(layout, tmp_path) -> None:
    settings = ("target=bucc2018", "languages=[zh]", "target.split=test")
    packed, padded = (made(tmp_path / each, *settings, f"compute.layout={each}")[0] for each in ("packed", layout))
    assert packed[1]["threshold"] == pytest.approx(padded[1]["threshold"], abs=1e-5)
    for one, other in zip(packed[2], padded[2], strict=True):
        assert one["candidate"] == other["candidate"]
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)


def test_the_threshold_of_a_test_set_comes_from_the_validation_set(tmp_path) -> None:
    ((goal, facts, rows),) = made(tmp_path, "target=bucc2018", "languages=[de]", "target.split=test")
    assert goal.data.split == "test" and goal.tuning.split == "validation"
    kept = [row for row in rows if row["prediction"]]
    assert all(row["score"] >= facts["threshold"] for row in kept)
    assert all(row["score"] < facts["threshold"] for row in rows if row["candidate"] and not row["prediction"])
    ((_, own, _),) = made(tmp_path, "target=bucc2018", "languages=[de]", "target.split=validation")
    assert own["threshold"] == facts["threshold"]
