"""A chain learns: trained on the very rows that it is scored on, it comes to know them."""

import csv
import io
import shutil
from pathlib import Path

import pytest

from calling import call
from stilts_xl.data.sources import SAMPLE_ROOT

MEMORY = (
    "model=scratch",
    "compute=cpu",
    "compute.threads=1",
    "model.dropout=0",
    "protocol=smoke",
    "target.max_steps=0",
    "languages=[en]",
)


def best_score(workspace: Path) -> float:
    """The first metric of the workspace's only run, in percent."""
    rows = list(csv.DictReader(io.StringIO(call("report", "-f", "csv", "-w", workspace).out)))
    return float(rows[0]["value"])


def root_that_is_scored_on_its_training_rows(folder: Path, train: str, scored: str) -> Path:
    """A copy of the sample in which the scored file is the training file."""
    root = folder / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    shutil.copy(root / train, root / scored)
    return root


@pytest.mark.parametrize(
    ("target", "train", "scored"),
    [
        (
            "tydiqa",
            "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json",
            "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json",
        ),
        (
            "mnli",
            "mnli/multinli_1.0/multinli_1.0_train.jsonl",
            "mnli/multinli_1.0/multinli_1.0_dev_matched.jsonl",
        ),
    ],
)
def test_a_chain_gives_the_answers_that_it_was_shown(target: str, train: str, scored: str, tmp_path: Path):
    root = root_that_is_scored_on_its_training_rows(tmp_path, train, scored)
    settings = (f"target={target}", "target.epochs=60", "target.learning_rate=2e-3")
    said = call("run", *MEMORY, *settings, "data=local", f"data.root={root}", "-w", tmp_path / "work")
    assert said.code == 0, said.err
    assert best_score(tmp_path / "work") > 90
