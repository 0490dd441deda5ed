"""Ctrl-C once stops where the same command can go on, twice stops at once; both end with 130."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from calling import PROGRAM, TINY, call

SMALL = ("model.hidden_size=32", "model.layers=1", "target.epochs=1000", "target.max_steps=150")
SLOW = ("model.hidden_size=768", "model.layers=12", "model.heads=12", "model.intermediate_size=3072")
"""A step takes seconds."""


class Terminal:
    """A run in a process group of its own, as a shell starts it."""

    def __init__(self, workspace: Path, words: tuple[str, ...], verb: str) -> None:
        self.stderr = workspace.with_suffix(".stderr")
        command = [*PROGRAM, verb, "target=tydiqa", "languages=[en,fi]", *TINY, *words, "-w", str(workspace)]
        with self.stderr.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=file,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
            )

    def said(self) -> str:
        return self.stderr.read_text(encoding="utf-8")

    def wait_for(self, words: str = "", path: Path | None = None, pattern: str = "") -> None:
        """Until stderr holds the words, or a path below a folder is there."""
        deadline = time.monotonic() + 60
        while words not in self.said() or (path is not None and not list(path.glob(pattern))):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def interrupt(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def terminal(workspace: Path, *words: str, verb: str = "run") -> Iterator[Terminal]:
    opened = Terminal(workspace, words, verb)
    try:
        yield opened
    finally:
        if opened.process.poll() is None:
            os.killpg(opened.process.pid, signal.SIGKILL)
            opened.process.wait()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A workspace whose training was interrupted, the exit code, and what was said."""
    workspace = tmp_path_factory.mktemp("stopped") / "w"
    with terminal(workspace, *SMALL, "compute.checkpoint_steps=5") as running:
        running.wait_for(path=workspace, pattern="stages/*/checkpoint-*")
        running.interrupt()
        code = running.process.wait(60)
        return workspace, code, running.said()


def test_ctrl_c_ends_after_the_step_and_says_how_to_go_on(stopped: tuple[Path, int, str]):
    workspace, code, said = stopped
    lines = said.splitlines()
    assert code == 130
    assert "stopping after this step; Ctrl-C again stops at once" in lines
    assert re.search(r"stopped after step \d+ of 150", lines[-2])
    assert lines[-1].startswith("go on with: stilts run target=tydiqa 'languages=[en,fi]' data=local")
    assert lines[-1].endswith(f"-w {workspace}")
    assert "Traceback" not in said


def test_the_same_command_goes_on_from_where_it_stopped(stopped: tuple[Path, int, str]):
    workspace, _, said = stopped
    found = re.search(r"stopped after step (\d+) of 150", said)
    assert found is not None
    words = ("run", "target=tydiqa", "languages=[en,fi]", *TINY, *SMALL, "compute.checkpoint_steps=5", "-w", workspace)
    again = call(*words)
    assert again.code == 0
    assert f"resuming at step {found.group(1)}" in again.err
    assert again.out.startswith("✓ 1 trained, 2 predicted, 0 here before")
    assert not list(workspace.glob("stages/*/checkpoint-*"))


def test_ctrl_c_twice_ends_at_once(tmp_path: Path):
    workspace = tmp_path / "w"
    with terminal(workspace, *SLOW) as running:
        running.wait_for(path=workspace, pattern="locks/*.lock")
        running.interrupt()
        running.wait_for("stopping after this step")
        running.interrupt()
        assert running.process.wait(20) == 130
        assert running.said().splitlines()[-1].startswith("stopped at once; the same command goes on")
        assert "Traceback" not in running.said()
    assert not list(workspace.glob("stages/*/checkpoint-*"))
    assert not list(workspace.glob("locks/*.lock")), "a claim is given up also in haste"


def test_ctrl_c_stops_the_workers_of_a_sweep_after_their_steps(tmp_path: Path):
    workspace, grid = tmp_path / "w", (*SMALL, "compute.checkpoint_steps=5", "seed=1,2", "compute.workers=2")
    with terminal(workspace, *grid, verb="sweep") as running:
        running.wait_for(path=workspace, pattern="stages/*/checkpoint-*")
        running.interrupt()
        assert running.process.wait(60) == 130
        said = running.said()
    lines = said.splitlines()
    assert "stopping after this step; Ctrl-C again stops at once" in lines
    assert re.search(r"stopped after step \d+ of 150", lines[-2])
    assert lines[-1].startswith("go on with: stilts sweep target=tydiqa 'languages=[en,fi]' data=local")
    assert "Traceback" not in said
    assert list(workspace.glob("stages/*/checkpoint-*")) and not list(workspace.glob("locks/*.lock"))
    again = call("sweep", "target=tydiqa", "languages=[en,fi]", *TINY, *grid, "-w", workspace)
    assert again.code == 0, again.err
    assert "resuming at step" in again.err and "✓ 2 trained, 4 predicted" in again.out


def test_ctrl_c_twice_kills_the_workers_of_a_sweep_at_once(tmp_path: Path):
    workspace = tmp_path / "w"
    with terminal(workspace, *SLOW, "seed=1,2", "compute.workers=2", verb="sweep") as running:
        running.wait_for(path=workspace, pattern="progress/*.json")
        workers = [json.loads(path.read_text(encoding="utf-8"))["pid"] for path in workspace.glob("progress/*.json")]
        running.interrupt()
        running.wait_for("stopping after this step")
        running.interrupt()
        assert running.process.wait(20) == 130
        assert running.said().splitlines()[-1].startswith("stopped at once; the same command goes on")
        assert "Traceback" not in running.said()
    assert workers and not any(Path(f"/proc/{pid}/fd").exists() for pid in workers)
