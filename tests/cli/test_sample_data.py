"""data=sample at the command line: written once with a line that says so, and called sample data wherever it is shown."""

import shlex
from pathlib import Path

import pytest

from calling import NO_DATA, call, call_apart
from sample_rows import SIZES, WORLD
from stilts_xl.data.sample import sample_languages
from stilts_xl.tasks.catalog import task_named

CHAIN = ("intermediate=squad", "target=tydiqa", "languages=[en,fi]", *WORLD, *NO_DATA)
WRITING = "writing the sample data, an invented world, into "


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sample data in which there are none."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def in_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILTS_CACHE", str(cache))


@pytest.fixture(scope="module")
def workspace(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain and a grid over sample data, which were not there before."""
    made = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILTS_CACHE", str(cache))
        first, again = call("run", *CHAIN, "-w", made), call("run", *CHAIN, "-w", made)
    (folder,) = cache.iterdir()
    assert first.code == 0, first.err
    assert [line for line in first.err.splitlines() if line.startswith("writing")] == [
        f"{WRITING}{folder} (once, some seconds)"
    ]
    assert "nothing to do" in again.out and again.err == ""
    return made


@pytest.mark.parametrize("words", [("run", "--help"), ("run", *CHAIN, "--cfg"), ("ls", "data"), ("doctor",)], ids=str)
def test_who_only_looks_writes_nothing(words: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    assert call(*words).code == 0
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("verb", [("plan",), ("sweep", "--dry-run"), ("why",), ("data", "check")], ids=" ".join)
def test_whoever_reads_first_writes(verb: tuple[str, ...], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    said = call(*verb, *CHAIN, "-w", tmp_path / "w")
    assert said.code == 0, said.err
    assert said.err.startswith(f"{WRITING}{tmp_path / 'cache'}")
    assert WRITING not in call(*verb, *CHAIN, "-w", tmp_path / "w").err


def test_every_table_says_sample_data(workspace: Path) -> None:
    assert "sample data: an invented world" in call("run", *CHAIN, "-w", workspace).out
    assert "sample data: " in call("sweep", *CHAIN, "-w", workspace).out
    for form in ("table", "markdown", "latex"):
        assert "sample data" in call("report", "-f", form, "-w", workspace).out, form
    assert ", sample data" in call("ls", "runs", "-w", workspace).out


def test_a_chain_in_another_process_is_the_same(workspace: Path) -> None:
    said = call_apart("run", *CHAIN, "--offline", "-w", workspace)
    assert said.out.startswith("✓ 4 stages here, nothing to do"), said.err
    assert said.err == ""


def test_a_limit_holds_for_sample_data_too(workspace: Path, tmp_path: Path) -> None:
    said = call("run", *CHAIN, "--limit", "3", "-w", tmp_path)
    assert said.code == 0, said.err
    assert "limited to 3 examples a split" in said.out and "sample data" in said.out


def test_a_check_says_what_sample_data_are_and_what_there_is_of_them(
    workspace: Path, cache: Path, tmp_path: Path
) -> None:
    said = call("data", "check", *WORLD, "-w", tmp_path)
    lines = said.out.splitlines()
    (folder,) = cache.iterdir()
    assert (said.code, said.err) == (0, "")
    assert lines[0] == f"data: sample {folder}"
    assert lines[1].startswith("sample data: an invented world from seed 1: of each task and language 24 rows to train")
    assert not [line for line in lines[2:] if line[0] not in "✓–"]
    (row,) = [line.split() for line in lines if line.split()[1:4] == ["xnli", "test", "sw"]]
    assert row[:6] == ["✓", "xnli", "test", "sw", str(SIZES["test"]), "examples"]


def test_labels_that_nobody_publishes_are_not_made_up(workspace: Path, cache: Path, tmp_path: Path) -> None:
    said = call("run", "target=hellaswag", "target.split=test", *WORLD, *NO_DATA, "-w", tmp_path)
    assert said.code == 2
    assert said.err.startswith(f"error: no test file of hellaswag in {cache}")
    assert "target.split=validation" in said.err and "fetch" not in said.err


def test_sample_data_are_not_fetched(tmp_path: Path) -> None:
    said = call("data", "fetch", "squad", "data=sample", f"data.root={tmp_path}")
    assert said.code == 2
    assert said.err.startswith("error: data=sample: sample data are invented and made here")
    assert not list(tmp_path.iterdir())


def test_a_root_that_is_not_theirs_is_refused(tmp_path: Path) -> None:
    said = call("run", *CHAIN, f"data.root={tmp_path}", "-w", tmp_path / "w")
    assert said.code == 2
    assert "is read with data=local only, and data is sample" in said.err


@pytest.mark.parametrize("verb", ["run", "plan", "sweep"])
def test_a_cache_that_cannot_be_written_is_told_once(verb: str, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()  # nobody can write below a file, not even root
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "file"))
    said = call(verb, *CHAIN, *(["seed=1,2"] if verb == "sweep" else []), "-w", tmp_path / "w")
    assert said.code == 2
    assert said.err.count("cannot be written") == 1
    assert said.err.splitlines()[-1] == "STILTS_CACHE=DIR names another folder to keep them in"
    assert not (tmp_path / "w" / "stages").exists()


def test_a_task_says_in_which_languages_it_has_sample_data() -> None:
    there = " ".join(sample_languages(task_named("xnli")))
    assert f"sample            invented rows in {there} (data=sample)" in call("show", "task", "xnli").out
    assert "invented rows of anli, mnli, snli (data=sample)" in call("show", "task", "anli_plus").out
    assert shlex.split(call("ls", "data").out.splitlines()[-1])[0] == "sample"
