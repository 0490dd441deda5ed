"""stilts score: a whole submission, scored from its folders alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calling import Said, call
from stilts_xl.data.submission import write_labels, write_predictions
from stilts_xl.report.suite import XTREME
from stilts_xl.tasks.catalog import task_named

RIGHT_AND_WRONG: dict[str, tuple[tuple[Any, Any], tuple[Any, Any]]] = {
    "xnli": (("neutral", "neutral"), ("neutral", "entailment")),
    "pawsx": (("1", "1"), ("0", "1")),
    "panx": ((["B-PER", "I-PER"], ["B-PER", "I-PER"]), (["O", "B-LOC"], ["B-LOC", "B-LOC"])),
    "udpos": ((["NOUN", "NOUN"], ["NOUN", "NOUN"]), (["SYM", "SYM"], ["SYM", "X"])),
    "bucc2018": (("en-1", ["en-1"]), ("en-2", [])),
    "tatoeba": (("0", ["0"]), ("0", ["1"])),
    "xquad": (("fox", ["fox"]), ("red fox", ["fox"])),
    "mlqa": (("fox", ["fox"]), ("hen", ["fox"])),
    "tydiqa": (("fox", ["fox"]), ("", ["fox"])),
}
"""What every language of a task holds: a row that is right, and one that is wrong, or partly so.

F1 of chunks: of PAN-X 2 hits of 2 predicted and 3 gold, 4/5. Of UDPOS 2 hits (NOUN NOUN is one chunk, the first SYM
another) of 3 predicted and 3 gold, 2/3. BUCC: 1 hit of 2 predicted and 1 gold, 2/3. XQuAD: EM 1/2, F1 (1 + 2/3)/2.
"""
EXPECTED = {
    "xnli": 50, "pawsx": 50, "panx": 80, "udpos": 200 / 3, "bucc2018": 200 / 3, "tatoeba": 50,
    "xquad": (50 + 100 * 5 / 6) / 2, "mlqa": 50, "tydiqa": 50,
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """p and l: all nine tasks in all their languages."""
    folder = tmp_path_factory.mktemp("submission")
    for name, pairs in RIGHT_AND_WRONG.items():
        rows = [{"id": f"i-{n}", "prediction": made, "gold": gold} for n, (made, gold) in enumerate(pairs)]
        for language in XTREME.entries[name].languages:
            write_predictions(folder / "p", task_named(name), language, rows)
            write_labels(folder / "l", task_named(name), language, rows)
    return folder


def score(folder: Path, *words: str) -> Said:
    return call("score", "--predictions", folder / "p", "--labels", folder / "l", *words)


def test_a_whole_submission_has_every_average(whole: Path):
    said = score(whole, "--suite", "xtreme", "--format", "json")
    assert said.code == 0 and said.err == ""
    report = json.loads(said.out)
    assert {name: scores["avg_metric"] for name, scores in report["avg"].items()} == pytest.approx(EXPECTED)
    assert report["groups"] == pytest.approx(
        {
            "classification": 50,
            "tagging": (80 + 200 / 3) / 2,
            "qa": (EXPECTED["xquad"] + 100) / 3,
            "retrieval": (200 / 3 + 50) / 2,
        }
    )
    assert report["all_task"] == pytest.approx(sum(EXPECTED.values()) / 9)
    assert report["tasks"]["udpos"]["yo"] == pytest.approx({"f1": 200 / 3, "precision": 200 / 3, "recall": 200 / 3})
    assert report["tasks"]["panx"]["my"] == pytest.approx({"f1": 80, "precision": 100, "recall": 200 / 3})
    assert sum(len(languages) for languages in report["tasks"].values()) == 162


def test_the_table_is_the_default(whole: Path):
    said = score(whole)
    lines = [line.split() for line in said.out.splitlines()]
    assert ["overall", f"{sum(EXPECTED.values()) / 9:.2f}"] in lines
    assert ["bucc2018", "66.67", "66.67", "50.00", "100.00", "4"] in lines
    assert said.code == 0 and "not scored" not in said.out


@pytest.mark.parametrize("form", ["table", "json"])
def test_the_output_goes_to_a_file_instead(whole: Path, tmp_path: Path, form: str):
    shown = score(whole, "--format", form)
    said = score(whole, "--format", form, "--output", str(tmp_path / "scores"))
    assert (said.code, said.out) == (0, "")
    assert str(tmp_path / "scores") in said.err
    assert (tmp_path / "scores").read_text(encoding="utf-8") == shown.out


def part(folder: Path) -> Path:
    """PAWS-X alone."""
    rows = [{"id": "0", "prediction": "1", "gold": "1"}]
    for language in XTREME.entries["pawsx"].languages:
        write_predictions(folder / "p", task_named("pawsx"), language, rows)
        write_labels(folder / "l", task_named("pawsx"), language, rows)
    return folder


def test_what_is_not_scored_is_said_and_leaves_no_overall_score(tmp_path: Path):
    said = score(part(tmp_path), "-f", "json")
    report = json.loads(said.out)
    assert said.code == 0
    assert report["all_task"] is None and report["groups"]["classification"] is None
    assert report["avg"] == {"pawsx": {"accuracy": 100.0, "avg_metric": 100.0}}
    assert said.err.count("not scored: ") == 8
    assert f"not scored: xnli, no folder {tmp_path / 'p' / 'xnli'} and no {tmp_path / 'l' / 'xnli'}\n" in said.err
    table = score(tmp_path)
    assert table.out.count("not scored: ") == 8 and table.err == ""


def test_wrong_calls_are_mistakes(whole: Path, tmp_path: Path):
    for said, *told in (
        (score(whole, "--suite", "xtreme_r"), "unknown suite 'xtreme_r'", "known: xtreme"),
        (score(whole, "--format", "csv"), "unknown format 'csv'", "known: json, table"),
        (score(tmp_path), f"{tmp_path / 'p'} is no folder"),
        (call("score", "--predictions", tmp_path), "missing option '--labels'"),
        (score(whole, "--output", str(tmp_path / "no" / "scores")), "scores cannot be written: No such file"),
        (score(whole, "--output", str(tmp_path)), "cannot be written: Is a directory"),
    ):
        assert said.code == 2 and said.out == "" and "Traceback" not in said.err
        assert said.err.startswith("error: ")
        for words in told:
            assert words in said.err


def test_a_broken_file_is_a_mistake_that_names_it(tmp_path: Path):
    path = part(tmp_path) / "p" / "pawsx" / "test-ko.tsv"
    path.write_text("1\n\n")
    said = score(tmp_path)
    assert said.code == 2 and said.out == ""
    assert said.err == f"error: {path}, line 2: expected one of 0, 1, found an empty line\n"
    path.unlink()
    said = score(tmp_path)
    assert said.code == 2
    assert said.err == f"error: {path} is not there: expected a file for every language of the task\n"


def test_scoring_loads_no_tensor_library():
    """It starts in a fraction of a second, where torch alone takes more than one."""
    code = (
        "import sys, stilts_xl.report.suite, stilts_xl.report.render\n"
        "print({'torch', 'transformers', 'datasets', 'evaluate', 'numpy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
