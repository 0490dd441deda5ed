"""kill -9 at any moment, the same command again: the files that come out are those of an undisturbed run, byte for byte."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from commands import commands, results, running
from sample_rows import ROWS

COMMAND = (
    "run", "intermediate=squad", "target=tydiqa", "languages=[en,ko,te]", *ROWS, "model=scratch",
    "protocol=smoke", "compute=cpu", "compute.threads=1", "compute.checkpoint_steps=2", "model.hidden_size=32",
    "intermediate.max_steps=30", "intermediate.epochs=30", "target.max_steps=50", "target.epochs=30",
    "target.selection=best", "target.eval_every=3", "target.batch_size=8",
)  # fmt: skip
KILLS = 6
ENOUGH = 4
"""Kills that must have hit an unfinished run, for the test to mean anything."""


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(tmp_path) -> None:
    chance = random.Random(3)
    with commands() as forked:
        forked.begin(*COMMAND, "-w", tmp_path / "undisturbed")
        assert forked.end() == 0

        killed, workspace = [], tmp_path / "killed"
        for _ in range(KILLS):
            pid = forked.begin(*COMMAND, "-w", workspace)
            wait_for_more(workspace, chance.randint(1, 6), pid)
            time.sleep(chance.uniform(0, 0.05))
            if running(pid):
                os.kill(pid, signal.SIGKILL)
            status = forked.end()
            assert status in (0, -signal.SIGKILL)
            if status == 0:
                break
            killed.append(progress(workspace))
        forked.begin(*COMMAND, "-w", workspace)
        assert forked.end() == 0

    print("(finished stages, step of the checkpoint) at each kill:", killed)
    assert len(set(killed)) >= ENOUGH
    expected, found = results(tmp_path / "undisturbed"), results(workspace)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert sum(name.endswith("predictions.jsonl") for name in found) == 3
    assert sum(name.endswith("model.safetensors") for name in found) == 2
