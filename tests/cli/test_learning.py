"""A chain learns: trained on the very rows that it is scored on, it comes to know them."""

import csv
import io
import shutil
from pathlib import Path

import pytest

from calling import call
from sample_rows import SAMPLE_ROOT

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
    """A copy of the rows in which the scored file is the training file."""
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
        ("udpos", "udpos/train-en.tsv", "udpos/test-en.tsv"),
        ("hellaswag", "hellaswag/hellaswag_train.jsonl", "hellaswag/hellaswag_val.jsonl"),
        ("squad_v2", "squad_v2/train-v2.0.json", "squad_v2/dev-v2.0.json"),
    ],
    ids=["tydiqa", "mnli", "udpos", "hellaswag", "squad_v2"],
)
def test_a_chain_gives_the_answers_that_it_was_shown(target: str, train: str, scored: str, tmp_path: Path):
    root = root_that_is_scored_on_its_training_rows(tmp_path, train, scored)
    epochs = 150 if target == "squad_v2" else 60  # a few dozen rows, and two things to learn
    settings = (f"target={target}", f"target.epochs={epochs}", "target.learning_rate=2e-3")
    said = call("run", *MEMORY, *settings, "data=local", f"data.root={root}", "-w", tmp_path / "work")
    assert said.code == 0, said.err
    assert best_score(tmp_path / "work") > 90


SEARCH = ("model=scratch", "compute=cpu", "compute.threads=1", "protocol=smoke")


def test_a_search_finds_every_sentence_where_both_sides_say_the_same(tmp_path: Path):
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT / "tatoeba", root / "tatoeba")
    shutil.copy(root / "tatoeba/tatoeba.deu-eng.eng", root / "tatoeba/tatoeba.deu-eng.deu")
    place = ("data=local", f"data.root={root}", "languages=de")
    said = call("run", "target=tatoeba", *SEARCH, *place, "-w", tmp_path / "work")
    assert said.code == 0, said.err
    assert best_score(tmp_path / "work") == 100


def test_mining_finds_every_pair_where_both_sides_say_the_same(tmp_path: Path):
    folder = tmp_path / "root" / "bucc2018"
    folder.mkdir(parents=True)
    sentences = sorted({*(SAMPLE_ROOT / "mlm/train.en.txt").read_text(encoding="utf-8").splitlines()} - {""})
    for split, part, alone in (("dev", sentences[:14], sentences[14:17]), ("test", sentences[17:32], sentences[32:36])):
        both = [*part, *alone[:1]]
        (folder / f"zh-en.{split}.zh").write_text("".join(f"zh-{n}\t{text}\n" for n, text in enumerate(both)), "utf-8")
        other = [*reversed(part), *alone[1:]]
        (folder / f"zh-en.{split}.en").write_text("".join(f"en-{n}\t{text}\n" for n, text in enumerate(other)), "utf-8")
        gold = "".join(f"zh-{both.index(text)}\ten-{n}\n" for n, text in enumerate(other) if text in part)
        (folder / f"zh-en.{split}.gold").write_text(gold, "utf-8")
    place = ("data=local", f"data.root={tmp_path / 'root'}", "languages=zh", "target.split=test")
    said = call("run", "target=bucc2018", *SEARCH, *place, "-w", tmp_path / "work")
    assert said.code == 0, said.err
    assert best_score(tmp_path / "work") == 100
