"""Suites average languages, then tasks, in the reference's order, and say what is not scored."""

import json
from pathlib import Path

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.data.submission import LAYOUTS, write_labels, write_predictions
from stilts_xl.metrics.scores import METRICS
from stilts_xl.report.render import plain
from stilts_xl.report.suite import XTREME, Entry, Suite, as_json, combined, score_folders, suite_named, tables
from stilts_xl.tasks.catalog import task_named

SMALL = Suite(
    name="small",
    entries={
        "pawsx": Entry(("de", "en"), ("accuracy",), ("accuracy",)),
        "xnli": Entry(("en", "sw"), ("accuracy",), ("accuracy",)),
        "xquad": Entry(("en", "de"), ("exact_match", "f1"), ("exact_match", "f1")),
    },
    groups={"classification": ("pawsx", "xnli"), "qa": ("xquad",)},
)
SCORES = {
    "pawsx": {"de": {"accuracy": 60.0}, "en": {"accuracy": 80.0}},
    "xnli": {"en": {"accuracy": 50.0}, "sw": {"accuracy": 30.0}},
    "xquad": {"en": {"exact_match": 10.0, "f1": 30.0}, "de": {"exact_match": 20.0, "f1": 60.0}},
}


def test_languages_then_metrics_then_tasks_are_averaged():
    """pawsx 70; xnli 40; xquad EM 15 and F1 45, so 30. Groups 55 and 30; the overall score is (70 + 40 + 30) / 3."""
    found = combined(SMALL, SCORES)
    assert {name: task.headline for name, task in found.tasks.items()} == {"pawsx": 70.0, "xnli": 40.0, "xquad": 30.0}
    assert found.tasks["xquad"].averages == {"exact_match": 15.0, "f1": 45.0}
    assert found.groups == {"classification": 55.0, "qa": 30.0}
    assert found.overall == 140 / 3


def test_without_a_task_there_is_neither_its_group_nor_an_overall_score():
    found = combined(SMALL, {name: SCORES[name] for name in ("xquad", "pawsx")})
    assert list(found.tasks) == ["pawsx", "xquad"]
    assert found.groups == {"classification": None, "qa": 30.0}
    assert found.overall is None


def test_sums_run_plainly_in_the_order_of_the_suite():
    """1e16 + 1 is 1e16 again, so only the order 1, 1e16, -1e16 ... of the suite's languages says what is lost."""
    values = {"a": 1e16, "b": 1.0, "c": -1e16}
    for languages, total in ((("a", "b", "c"), 0.0), (("a", "c", "b"), 1.0)):
        suite = Suite("one", {"xnli": Entry(languages, ("accuracy",), ("accuracy",))}, {})
        found = combined(suite, {"xnli": {language: {"accuracy": value} for language, value in values.items()}})
        assert found.tasks["xnli"].averages["accuracy"] == total / 3


def test_xtreme_is_nine_tasks_in_four_groups():
    counts = {name: len(entry.languages) for name, entry in XTREME.entries.items()}
    assert counts == {
        "pawsx": 7, "xnli": 15, "panx": 40, "udpos": 33, "bucc2018": 4, "tatoeba": 36, "xquad": 11, "mlqa": 7, "tydiqa": 9,
    }  # fmt: skip
    assert sorted(name for names in XTREME.groups.values() for name in names) == sorted(XTREME.entries)
    assert set(XTREME.entries) <= set(LAYOUTS)


@pytest.mark.parametrize("name", XTREME.entries)
def test_what_xtreme_averages_its_tasks_measure(name: str):
    entry, task = XTREME.entries[name], task_named(name)
    assert set(entry.languages) <= {*task.languages, *task.extra_languages}
    assert set(entry.headline) <= set(entry.metrics) <= set(task.metrics)
    assert all(METRICS[metric].scale == 100 for metric in entry.metrics)


def test_an_unknown_suite_is_named():
    assert suite_named("xtreme") is XTREME
    with pytest.raises(Mistake, match="unknown suite 'xtrem'. Did you mean 'xtreme'?"):
        suite_named("xtrem")


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """p and l: the small suite in XTREME's layout, scores as counted in the first test below."""

    def put(name: str, language: str, *pairs: tuple[object, object]) -> None:
        rows = [{"id": f"{n}", "prediction": made, "gold": gold} for n, (made, gold) in enumerate(pairs)]
        write_predictions(tmp_path / "p", task_named(name), language, rows)
        write_labels(tmp_path / "l", task_named(name), language, rows)

    put("pawsx", "de", ("1", "1"), ("0", "1"))
    put("pawsx", "en", ("1", "1"))
    put("xnli", "en", ("neutral", "neutral"))
    put("xnli", "sw", ("neutral", "entailment"))
    put("xquad", "en", ("cat", ["cat"]), ("red fox", ["fox"]))
    put("xquad", "de", ("Hund", ["Hund"]))
    return tmp_path


def test_folders_are_scored(submission: Path):
    """xquad en: exact in 1 of 2; F1 (1 + 2/3) / 2."""
    found = score_folders(submission / "p", submission / "l", SMALL)
    assert found.tasks["pawsx"].languages == {"de": {"accuracy": 50.0}, "en": {"accuracy": 100.0}}
    assert found.tasks["xquad"].languages["en"] == {"exact_match": 50.0, "f1": pytest.approx(100 * 5 / 6)}
    assert found.groups["classification"] == (75 + 50) / 2
    assert found.overall == pytest.approx((75 + 50 + (75 + 100 * 11 / 12) / 2) / 3)
    assert found.notes == ()


@pytest.mark.parametrize("side", ["p", "l"])
def test_a_task_without_a_folder_is_not_scored_and_named(submission: Path, side: str):
    (submission / side / "xnli").rename(submission / side / "xnil")
    found = score_folders(submission / "p", submission / "l", SMALL)
    assert list(found.tasks) == ["pawsx", "xquad"] and found.overall is None
    assert found.notes[0] == f"not scored: xnli, no folder {submission / side / 'xnli'}"
    assert found.notes[1:] == (("ignored, no task of small: xnil",) if side == "p" else ())


@pytest.mark.parametrize("side", ["p", "l"])
def test_every_language_of_a_task_must_be_there(submission: Path, side: str):
    (submission / side / "xquad" / "test-de.json").unlink()
    with pytest.raises(Mistake, match=rf"{side}/xquad/test-de.json is not there: expected a file for every language"):
        score_folders(submission / "p", submission / "l", SMALL)


def test_questions_without_an_answer_are_counted_in_a_note(submission: Path):
    (submission / "p" / "xquad" / "test-en.json").write_text('{"0": "cat"}')
    found = score_folders(submission / "p", submission / "l", SMALL)
    assert found.tasks["xquad"].languages["en"] == {"exact_match": 50.0, "f1": 50.0}
    assert found.notes == ("xquad: 1 of 3 questions have no answer and count as 0 (en 1)",)


def test_folders_without_a_common_task_are_refused(submission: Path):
    with pytest.raises(
        Mistake, match="nothing to score: .* have no task of small in common\nexpected folders named pawsx"
    ):
        score_folders(submission / "p" / "xnli", submission / "l", SMALL)
    with pytest.raises(Mistake, match="q is no folder"):
        score_folders(submission / "q", submission / "l", SMALL)


def test_json_has_every_number_to_the_last_digit():
    found = combined(SMALL, SCORES | {"xnli": {"en": {"accuracy": 100 / 3}, "sw": {"accuracy": 0.1}}})
    assert json.loads(as_json(found)) == {
        "avg": {
            "pawsx": {"accuracy": 70.0, "avg_metric": 70.0},
            "xnli": {"accuracy": (100 / 3 + 0.1) / 2, "avg_metric": (100 / 3 + 0.1) / 2},
            "xquad": {"exact_match": 15.0, "f1": 45.0, "avg_metric": 30.0},
        },
        "tasks": SCORES | {"xnli": {"en": {"accuracy": 100 / 3}, "sw": {"accuracy": 0.1}}},
        "groups": {"classification": (70 + (100 / 3 + 0.1) / 2) / 2, "qa": 30.0},
        "all_task": (70 + (100 / 3 + 0.1) / 2 + 30) / 3,
    }


def test_json_says_null_where_a_task_is_absent():
    report = json.loads(as_json(combined(SMALL, {"pawsx": SCORES["pawsx"]})))
    assert report["groups"] == {"classification": None, "qa": None}
    assert report["all_task"] is None
    assert list(report["avg"]) == list(report["tasks"]) == ["pawsx"]


def test_tables_show_averages_groups_and_every_language():
    lines = [line.split() for line in plain(tables(combined(SMALL, SCORES, ("a note",)))).splitlines()]
    assert ["xquad", "30.00", "45.00", "15.00", "2"] in lines
    assert ["classification", "55.00"] in lines and ["overall", "46.67"] in lines
    assert ["language", "pawsx", "acc", "xnli", "acc"] in lines
    assert ["de", "60.00"] in lines and ["en", "80.00", "50.00"] in lines
    assert ["a", "note"] in lines


def test_tables_of_a_part_leave_the_rest_blank():
    text = plain(tables(combined(SMALL, {"pawsx": SCORES["pawsx"]})))
    lines = [line.split() for line in text.splitlines()]
    assert ["xnli", "–"] in lines and ["overall", "–"] in lines and ["qa", "–"] in lines
    assert "xquad EM" not in text


def test_xtremes_tables_fit_into_80_columns():
    full = {
        name: {language: dict.fromkeys(entry.metrics, 100.0) for language in entry.languages}
        for name, entry in XTREME.entries.items()
    }
    shown = plain(tables(combined(XTREME, full)))
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("100.00") > sum(len(entry.languages) * len(entry.metrics) for entry in XTREME.entries.values())
