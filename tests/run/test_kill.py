"""kill -9 at any moment, the same command again: the files that come out are those of an undisturbed run, byte for byte."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# A process that has everything imported, and runs each command of its standard input in a child of its own: a kill then
# costs a fraction of a second instead of the seconds that torch takes to import.
COMMANDS = """
import json, os, sys
import transformers.models.xlm_roberta.modeling_xlm_roberta
import stilts_xl.run.runner
from stilts_xl.cli.app import main

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        sys.argv = json.loads(line)
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    print(json.dumps({"pid": child}), file=sys.stderr, flush=True)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"status": status}), file=sys.stderr, flush=True)
"""
COMMAND = (
    "stilts", "run", "intermediate=squad", "target=tydiqa", "languages=[en,ko,te]", "data=sample", "model=scratch",
    "protocol=smoke", "compute=cpu", "compute.threads=1", "compute.checkpoint_steps=2", "model.hidden_size=32",
    "intermediate.max_steps=30", "intermediate.epochs=30", "target.max_steps=50", "target.epochs=30",
    "target.selection=best", "target.eval_every=3", "target.batch_size=8",
)  # fmt: skip
KILLS = 6
ENOUGH = 4
"""Kills that must have hit an unfinished run, for the test to mean anything."""


class Launcher:
    """Commands, one after another, each in a process that can be killed."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def begin(self, workspace: Path) -> int:
        """Begin the command in a workspace; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([*COMMAND, "-w", str(workspace)]) + "\n")
        self.process.stdin.flush()
        return self._answer()["pid"]

    def end(self) -> int:
        """Wait for the command; its exit code, negative for a signal."""
        return self._answer()["status"]

    def _answer(self) -> dict[str, int]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith(('{"pid"', '{"status"')):
                return json.loads(line)
        raise AssertionError("the launcher has ended")


@contextmanager
def launcher() -> Iterator[Launcher]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    with process:
        try:
            yield Launcher(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def results(workspace: Path) -> dict[str, bytes]:
    """What a run is for: weights, configuration and predictions of every stage."""
    kept = ("model.safetensors", "config.json", "predictions.jsonl")
    files = [path for name in kept for path in workspace.glob(f"stages/*/{name}")]
    return {str(path.relative_to(workspace)): path.read_bytes() for path in files}


def progress(workspace: Path) -> tuple[int, int]:
    """(finished stages, step of the newest checkpoint)."""
    steps = [int(path.name[-7:]) for path in workspace.glob("stages/*/checkpoint-???????")]
    return len(list(workspace.glob("stages/*/record.json"))), max(steps, default=0)


def wait_for_more(workspace: Path, checkpoints: int, pid: int) -> None:
    """Until so many more checkpoints or stages are there than now, or the process has ended."""
    seen, now = 0, progress(workspace)
    while seen < checkpoints and running(pid):
        time.sleep(0.001)
        if progress(workspace) != now:
            seen, now = seen + 1, progress(workspace)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(tmp_path) -> None:
    chance = random.Random(3)
    with launcher() as commands:
        commands.begin(tmp_path / "undisturbed")
        assert commands.end() == 0

        killed, workspace = [], tmp_path / "killed"
        for _ in range(KILLS):
            pid = commands.begin(workspace)
            wait_for_more(workspace, chance.randint(1, 6), pid)
            time.sleep(chance.uniform(0, 0.05))
            if running(pid):
                os.kill(pid, signal.SIGKILL)
            status = commands.end()
            assert status in (0, -signal.SIGKILL)
            if status == 0:
                break
            killed.append(progress(workspace))
        commands.begin(workspace)
        assert commands.end() == 0

    print("(finished stages, step of the checkpoint) at each kill:", killed)
    assert len(set(killed)) >= ENOUGH
    expected, found = results(tmp_path / "undisturbed"), results(workspace)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert sum(name.endswith("predictions.jsonl") for name in found) == 3
    assert sum(name.endswith("model.safetensors") for name in found) == 2
