"""What costs nothing should take no time: help, and a run whose stages are all here."""

import os
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from subprocess import run as run_process

import pytest

from calling import TINY, call, call_apart
from sample_rows import ROWS

HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "numpy",
    "hydra",
    "omegaconf",
    "accelerate",
    "evaluate",
    "huggingface_hub",
)
WATCHED = (
    "import sys\n"
    "from stilts_xl.cli.app import main\n"
    "try:\n    main()\n"
    "finally:\n    print('IMPORTED', *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)\n"
)


def imports_of(*words: str) -> tuple[str, set[str]]:
    """(standard output, top-level modules imported) of a call in a process of its own."""
    run = run_process([sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, encoding="utf-8")
    last = run.stderr.splitlines()[-1].split()
    assert last[0] == "IMPORTED"
    return run.stdout, set(last[1:])


def seconds_of(*words: str | Path) -> float:
    """Processor seconds of a call in a process of its own: the wall clock would measure the neighbours."""
    before = getrusage(RUSAGE_CHILDREN)
    assert call_apart(*words).code == 0
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("finished")
    assert call("run", "intermediate=squad", "target=tydiqa", *TINY, "-w", workspace).code == 0
    return workspace


def test_help_is_there_in_a_third_of_a_second():
    assert min(seconds_of("--help") for _ in range(3)) < 0.3


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",), ("cache", "--help")], ids=" ".join)
def test_help_imports_nothing_heavy(words: tuple[str, ...]):
    said, imported = imports_of(*words)
    assert said
    assert not imported & set(HEAVY)


def test_a_second_identical_run_finds_everything_in_seconds(finished: Path):
    words = ("run", "intermediate=squad", "target=tydiqa", *TINY, "-w", finished)
    assert "✓ 11 stages here, nothing to do" in call_apart(*words).out
    assert seconds_of(*words) < 5


def test_a_study_of_thirteen_hundred_cells_is_planned_in_seconds(tmp_path: Path):
    axes = ("study=xtreme_seeds", "model.hidden_size=32,48,64")
    words = ("plan", *axes, "model=scratch", "protocol=phang2020", *ROWS, "-w", tmp_path)
    assert call_apart(*words).out.startswith("1350 cells:")
    assert seconds_of(*words) < 8
    assert not list(tmp_path.glob("stages"))


@pytest.mark.parametrize("words", [("run",), ("plan",), ("why",), ("data", "check")], ids=" ".join)
def test_what_trains_nothing_imports_no_torch(words: tuple[str, ...], finished: Path):
    said, imported = imports_of(*words, "intermediate=squad", "target=tydiqa", *TINY, "-w", str(finished))
    assert said
    assert not imported & {"torch", "transformers", "accelerate", "evaluate"}


@pytest.mark.parametrize("words", [("report",), ("ls", "runs"), ("cache", "ls"), ("cache", "verify")], ids=" ".join)
def test_looking_at_a_workspace_imports_no_torch(words: tuple[str, ...], finished: Path):
    said, imported = imports_of(*words, "-w", str(finished))
    assert said
    assert not imported & {"torch", "transformers", "accelerate", "evaluate"}


def test_the_program_that_is_installed_is_this_one(tmp_path: Path):
    program = Path(sys.executable).with_name("stilts")
    if not program.is_file():
        pytest.skip("stilts is not installed beside this Python")
    run = run_process([program, "--version"], capture_output=True, text=True, cwd=tmp_path, env=os.environ.copy())
    assert (run.returncode, run.stdout.split()[0]) == (0, "stilts-xl")
