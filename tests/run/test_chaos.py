"""Workers and the sweep itself are killed at random moments, and the command is given again: nothing is lost, nothing made twice.

STILTS_CHAOS_KILLS asks for more kills than the usual ones, and a grid that lasts as long (``make chaos``).
"""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from commands import commands, results, running
from sample_rows import ROWS
from stilts_xl.store.store import faults, records

KILLS = int(os.environ.get("STILTS_CHAOS_KILLS", "20"))
STEPS = max(60, 3 * KILLS)
ENOUGH = 3 / 4
"""Share of the kills that must have come at different states of the workspace."""
GRID = (
    "sweep", "intermediate=none,squad", "target=tydiqa,panx", "languages=[en,fi]", *ROWS, "model=scratch",
    "protocol=smoke", "model.hidden_size=32", "intermediate.epochs=400", f"intermediate.max_steps={STEPS}",
    "target.epochs=400", f"target.max_steps={STEPS}", "target.selection=best", "target.eval_every=7", "target.batch_size=8",
    "compute=cpu", "compute.threads=1", "compute.checkpoint_steps=3", "compute.retries=1000",
)  # fmt: skip


class Watched:
    """A workspace of which every state that a kill left is remembered."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.completed: dict[str, tuple[int, int]] = {}
        """Stage -> its record's inode and time of writing when it was seen first."""

    def state(self) -> tuple[object, ...]:
        """Finished stages and checkpoints; raises AssertionError where a stage was completed a second time."""
        for record in self.workspace.glob("stages/*/record.json"):
            status = record.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            assert self.completed.setdefault(record.parent.name, seen) == seen, f"{record.parent.name} was made twice"
        checkpoints = sorted(str(path) for path in self.workspace.glob("stages/*/checkpoint-???????"))
        return len(self.completed), *checkpoints

    def workers(self) -> list[int]:
        """Processes that hold a claim."""
        found = set()
        for path in self.workspace.glob("locks/*.lock"):
            try:
                found.add(int(json.loads(path.read_text(encoding="utf-8"))["pid"]))
            except (OSError, ValueError):
                continue
        return sorted(pid for pid in found if running(pid))

    def wait_for_more(self, changes: int, pid: int) -> None:
        """Until so many more changes of state were seen, or the sweep has ended."""
        before = self.state()
        while changes and running(pid):
            time.sleep(0.002)
            if (now := self.state()) != before:
                before, changes = now, changes - 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_grid_whose_processes_are_killed_at_random_moments_ends_with_the_same_bytes(tmp_path: Path) -> None:
    chance = random.Random(11)
    undisturbed, watched = tmp_path / "undisturbed", Watched(tmp_path / "killed")
    killed: list[tuple[str, tuple[object, ...]]] = []
    with commands() as forked:
        forked.begin(*GRID, "compute.workers=0", "-w", undisturbed)
        assert forked.end() == 0

        pid, status = forked.begin(*GRID, "compute.workers=2", "-w", watched.workspace), None
        while len(killed) < KILLS:
            watched.wait_for_more(chance.randint(1, 3), pid)
            time.sleep(chance.uniform(0, 0.1))
            if not running(pid):
                status = forked.end()
                break
            workers = watched.workers()
            victims = chance.choice([[pid], workers[:1], workers[-1:], workers, workers[:1], workers[-1:]])
            if not victims:
                continue
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            killed.append(("sweep" if pid in victims else f"{len(victims)} workers", watched.state()))
            if pid in victims:
                assert forked.end() == -signal.SIGKILL
                pid = forked.begin(*GRID, "compute.workers=2", "-w", watched.workspace)
        assert (status if status is not None else forked.end()) == 0
        watched.state()

    print(f"{len(killed)} kills:", [(who, state[0]) for who, state in killed])
    assert len({state for _, state in killed}) >= ENOUGH * KILLS
    assert {"sweep"} < {who for who, _ in killed}
    expected, found = results(undisturbed), results(watched.workspace)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert len(watched.completed) == len(list(records(undisturbed)))
    for folder, record in records(watched.workspace):
        assert record is not None and faults(folder, record) == []
        log = (watched.workspace / "logs" / f"{folder.name}.log").read_text(encoding="utf-8")
        assert log.count("  done  ") <= 1
    assert not list(watched.workspace.glob("stages/*/checkpoint-*")) + list(watched.workspace.glob("locks/*.lock"))
