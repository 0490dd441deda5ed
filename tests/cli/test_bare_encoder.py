"""Sentence retrieval from the command line: nothing is trained for it, and every verb says so in few words."""

import csv
import io
import json
from pathlib import Path

import pytest

from calling import TINY, call

CHAIN = ("target=tatoeba", "languages=[de,zh]")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bare encoder, and the same after SQuAD with every layer scored."""
    made = tmp_path_factory.mktemp("bare")
    for words in ((), ("intermediate=squad", "target.curve=true")):
        said = call("run", *CHAIN, *words, *TINY, "-w", made)
        assert said.code == 0, said.err
    return made


def test_a_gain_is_taken_over_the_bare_encoder_whether_or_not_its_layers_were_scored(workspace: Path):
    said = call("run", *CHAIN, "intermediate=squad", "target.curve=true", *TINY, "-w", workspace).out
    assert said.startswith("✓ 3 stages here, nothing to do")
    assert "gain in accuracy" in said
    assert "gain over the bare encoder (no intermediate task)" in said
    assert "protocol smoke with target.curve=true · seed 1 · test split" in said
    assert "accuracy by layer: 0 " in said


def test_one_stage_is_told_as_one(workspace: Path):
    words = ("run", "target=tatoeba", "languages=de", *TINY, "-w", workspace)
    assert call(*words).out.startswith("✓ 1 stage here, nothing to do")


def test_a_chain_without_a_seed_has_none_in_tidy_rows(workspace: Path):
    rows = json.loads(call("report", "-w", workspace, "-f", "json").out)
    assert {(row["intermediate"], row["seed"]) for row in rows} == {("none", None), ("squad", 1)}
    lines = csv.DictReader(io.StringIO(call("report", "-w", workspace, "-f", "csv").out))
    assert {(row["intermediate"], row["seed"]) for row in lines} == {("none", ""), ("squad", "1")}


def test_what_differs_alike_in_every_language_is_told_once(workspace: Path):
    said = call("why", *CHAIN, "target.pooling=cls", *TINY, "-w", workspace).out.splitlines()
    assert said[0].startswith("tatoeba-de-") and said[0].endswith("which differs in")
    assert said[1:] == ["  retrieval.pooling: cls asked, mean there", "and 1 more in the same"]


def test_runs_of_two_splits_are_told_apart(workspace: Path):
    for split in ("validation", "test"):
        said = call("run", "target=bucc2018", "languages=de", f"target.split={split}", *TINY, "-w", workspace)
        assert said.code == 0, said.err
    listed = call("ls", "runs", "-w", workspace).out
    assert "✓ scratch → none → bucc2018  complete, validation split, protocol smoke\n" in listed
    assert "✓ scratch → none → bucc2018  complete, test split, protocol smoke\n" in listed


def test_layouts_that_differ_in_their_label_file_alone_are_told_apart():
    said = [line for line in call("show", "task", "ccg").out.splitlines() if line.startswith("file:")]
    assert len(said) == len(set(said)) == 4
    assert "labels in ccg/tags_to_id.json" in said[0]
    assert "every 20th row is validation" in call("show", "task", "mlm").out
