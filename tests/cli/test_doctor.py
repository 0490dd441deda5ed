"""stilts doctor on machines that lack something: what works, what does not, and the command for it."""

import os
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from calling import Said, call
from sample_rows import SAMPLE_ROOT
from stilts_xl.cli.doctor import EXTRAS, FIRST

CHECKOUT = Path(__file__).resolve().parents[2]
FOR_MAKING_IT = {"build", "dev"}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "1000")


def lines(said: Said) -> dict[str, str]:
    """What is looked at -> sign and text."""
    found = {line[2:22].strip(): line[0] + line[22:] for line in said.out.splitlines() if line[1:2] == " "}
    assert all(text[0] in "✓✗– " for text in found.values())
    return found


def test_the_doctor_says_what_works_here_and_ends_with_something_to_try(tmp_path: Path):
    said = call("doctor", "-w", tmp_path / "w")
    found = lines(said)
    assert said.code == 0
    assert found["python"].startswith(f" {sys.version.split()[0]} on ")
    for name in ("stilts-xl", "torch", "transformers", "CPU"):
        assert found[name][0] == "✓" and found[name][1].isdigit()
    assert found["workspace"] == f"✓{tmp_path / 'w'} can be written"
    assert "the Hub is not asked" in found["data=hub"]
    assert found["data=sample"].startswith(f"✓invented rows, offline, on first use written into {tmp_path / 'cache'}")
    assert "comes with the package" in found["model=mini"]
    *_, blank, last = said.out.splitlines()
    assert (blank, last) == ("", f"try  {FIRST}")


def test_every_extra_of_the_package_is_looked_for():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*EXTRAS} == {*project["optional-dependencies"]} - FOR_MAKING_IT


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_that_is_absent_is_named_with_the_command_for_it(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    typed, module, _ = EXTRAS[extra]
    monkeypatch.setitem(sys.modules, module, None)  # as find_spec sees a package that is not there
    said = call("doctor", "-w", tmp_path)
    assert said.code == 0, "nothing of it is needed for a run"
    assert lines(said)[typed].startswith("–") and lines(said)[typed].endswith(f": pip install 'stilts-xl[{extra}]'")


@pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")
def test_slurm_needs_a_submit_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lines(call("doctor", "-w", tmp_path))["compute=slurm"].endswith("no sbatch here, so only --dry-run works")
    (tmp_path / "sbatch").touch(0o755)
    assert lines(call("doctor", "-w", tmp_path))["compute=slurm"].startswith("✓")


def test_what_a_run_could_not_do_without_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()  # nobody can write below a file, not even root
    monkeypatch.setitem(sys.modules, "torch", None)
    said = call("doctor", "-w", tmp_path / "file" / "w")
    assert said.code == 1
    assert said.err == "error: a run would fail here: torch, workspace\n"
    assert "torch cannot be imported" in lines(said)["CPU"]
    assert lines(said)["workspace"].startswith("✗") and "try" not in said.out.splitlines()[-1]


def test_a_cache_that_cannot_be_written_leaves_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path / "file"))
    said = call("doctor", "-w", tmp_path)
    assert said.code == 0
    assert lines(said)["data=sample"].startswith("–") and "STILTS_CACHE=DIR" in lines(said)["data=sample"]


def test_a_folder_of_official_downloads_is_counted_task_by_task(tmp_path: Path):
    said = call("doctor", "-w", tmp_path, "--root", SAMPLE_ROOT)
    rows = [line.split() for line in said.out.splitlines() if line.startswith(" " * 22)]
    assert ["squad", "train", "1", "validation", "1"] in rows
    assert ["xnli", "validation", "15", "test", "15"] in rows
    missing = call("doctor", "-w", tmp_path, "--root", tmp_path / "nowhere")
    assert missing.code == 1 and missing.err == "error: a run would fail here: data root\n"


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_terminal_but_a_path(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", str(width))
    for line in call("doctor", "-w", tmp_path, "--root", SAMPLE_ROOT).out.splitlines():
        assert len(line) <= width or os.sep in line[22:].split()[0], line
