"""stilts submit: the best chain of each target as a folder, and what stilts score says of it is what the report says."""

import json
from pathlib import Path

import pytest

from calling import TINY, call

TARGETS = ("xnli", "pawsx", "xquad", "bucc2018")
"""Targets whose bundled test rows are in all of XTREME's languages."""
BRIEF = ("target.max_steps=2", "target.split=test")


def run(workspace: Path, target: str, *words: str) -> None:
    steps = BRIEF[1:] if target == "bucc2018" else BRIEF
    said = call("run", f"target={target}", *TINY, *steps, *words, "-w", workspace)
    assert said.code == 0, said.err


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """Four targets, one of them after two intermediate tasks, with the validation scores that choose between them."""
    made = tmp_path_factory.mktemp("submit")
    for target in TARGETS:
        run(made, target)
    for intermediate in ("none", "copa"):
        run(made, "pawsx", f"intermediate={intermediate}", "target.selection=best", "target.eval_every=1", "seed=3")
    return made


@pytest.fixture(scope="module")
def folders(workspace, tmp_path_factory) -> tuple[Path, Path]:
    """Predictions and labels."""
    made = tmp_path_factory.mktemp("folders")
    said = call("submit", "--out", made / "out", "--labels", made / "gold", "--use", "pawsx=copa", "-w", workspace)
    assert said.code == 0, said.err
    return made / "out", made / "gold"


def test_what_is_submitted_scores_as_the_report_says_to_the_last_digit(workspace, folders) -> None:
    said = call("score", "--predictions", folders[0], "--labels", folders[1], "--format", "json")
    assert said.code == 0, said.err
    scored = json.loads(said.out)
    rows = json.loads(call("report", "-w", workspace, "--format", "json").out)
    for target in TARGETS:
        chosen = [
            row for row in rows if row["target"] == target and (target != "pawsx" or row["intermediate"] == "copa")
        ]
        told = {(row["language"], row["metric"]): row["value"] for row in chosen}
        for language, metrics in scored["tasks"][target].items():
            for metric, value in metrics.items():
                assert value == told[language, metric], (target, language, metric)
    assert scored["all_task"] is None


def test_the_manifest_says_what_was_chosen_and_why(workspace, folders) -> None:
    manifest = json.loads((folders[0] / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["targets"]) == set(TARGETS)
    assert manifest["absent"] == ["panx", "udpos", "tatoeba", "mlqa", "tydiqa"]
    pawsx = manifest["targets"]["pawsx"]
    assert (pawsx["intermediate"], pawsx["chosen_because"]) == ("copa", "named by --use")
    assert pawsx["english_validation"] is not None
    assert manifest["targets"]["xnli"]["chosen_because"] == "the only one"
    assert manifest["targets"]["bucc2018"]["trainings"] == []
    assert all(entry["missing"] == [] == entry["hidden_labels"] for entry in manifest["targets"].values())


def test_the_best_by_english_validation_is_chosen_where_every_chain_has_a_score(tmp_path) -> None:
    for intermediate in ("none", "copa"):
        run(tmp_path, "pawsx", f"intermediate={intermediate}", "target.selection=best", "target.eval_every=1")
    assert call("submit", "--out", tmp_path / "out", "-w", tmp_path).code == 0
    entry = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["targets"]["pawsx"]
    kept = [
        record["facts"]["kept_score"]
        for path in tmp_path.glob("stages/pawsx-*/record.json")
        if (record := json.loads(path.read_text(encoding="utf-8")))["stage"]["type"] == "Train"
    ]
    assert len(kept) == 2
    assert entry["english_validation"] == max(kept)
    assert (entry["candidates"], entry["chosen_because"]) == (2, "the best English validation score")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no English validation score of its chain after 'none'"),
        (("--use", "pawsx=squad"), "unknown intermediate task of pawsx here 'squad'"),
        (("--use", "pawsx"), "expected TARGET=INTERMEDIATE"),
        (("--use", "squad=none"), "unknown target of xtreme 'squad'"),
        (("--use", "tydiqa=none"), "unknown target with predictions of its test split 'tydiqa'"),
        (("--use", "xquad=mnli"), "unknown intermediate task of xquad here 'mnli'"),
        (("--model", "mini"), "unknown model with predictions 'mini'"),
        (("--suite", "glue"), "unknown suite 'glue'"),
    ],
)
def test_what_cannot_be_chosen_is_a_mistake(words, message, workspace, tmp_path) -> None:
    said = call("submit", "--out", tmp_path / "out", "-w", workspace, *words)
    assert said.code == 2
    assert message in said.err
    assert len(said.err.splitlines()) <= 3
    assert not (tmp_path / "out").exists()


def test_an_empty_workspace_is_a_mistake_that_names_the_next_command(tmp_path) -> None:
    said = call("submit", "--out", tmp_path / "out", "-w", tmp_path)
    assert said.code == 2
    assert "stilts run" in said.err


def test_a_language_without_predictions_is_named(tmp_path) -> None:
    run(tmp_path, "xnli", "languages=[en,de]")
    said = call("submit", "--out", tmp_path / "out", "-w", tmp_path)
    assert said.code == 0
    assert "missing: ar, bg, el, es, fr, hi, ru, sw, th, tr, ur, vi, zh" in said.out
    assert "stilts score needs every language of xnli" in said.out and "next:" not in said.out
    said = call("score", "--predictions", tmp_path / "out", "--labels", tmp_path / "out")
    assert said.code == 2 and "test-ar.tsv" in said.err


def test_a_later_run_of_fewer_languages_takes_none_away(tmp_path) -> None:
    run(tmp_path, "pawsx", "languages=[de,en,es]")
    run(tmp_path, "pawsx", "languages=[en,fr]")
    said = call("submit", "--out", tmp_path / "out", "--labels", tmp_path / "gold", "-w", tmp_path)
    assert "missing: fr, ja, ko, zh" in said.out
    run(tmp_path, "pawsx")
    run(tmp_path, "pawsx", "languages=en")
    said = call("submit", "--out", tmp_path / "out", "--labels", tmp_path / "gold", "-w", tmp_path)
    assert "missing" not in said.out
    next_command = said.out.splitlines()[-1].removeprefix("next: stilts ").split()
    assert call(*next_command).code == 0


def test_predictions_of_cross_language_pairs_alone_are_no_candidate(tmp_path) -> None:
    run(tmp_path, "mlqa", "languages=[en]")
    run(tmp_path, "mlqa", "intermediate=copa", "languages=de-en")
    said = call("submit", "--out", tmp_path / "out", "-w", tmp_path)
    assert said.code == 0, said.err
    assert "mlqa       scratch → none  (the only one)" in said.out
