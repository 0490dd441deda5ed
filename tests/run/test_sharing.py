"""Several processes on one workspace: what somebody else is making is left to them, and the rest goes on."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from calling import PROGRAM, TINY
from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import Event
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.run.grid import todo_of
from stilts_xl.run.resolve import Chain
from stilts_xl.run.runner import run_missing
from stilts_xl.store.lock import claim
from stilts_xl.store.store import completed, lock_file
from toys import chain

BRIEF = ("target.max_steps=2", "compute.threads=1", "languages=[en]")


def grid(workspace: Path) -> list[Chain]:
    """none and copa before xquad and pawsx; xquad alone is SQuAD's training."""
    cells = [("none", "xquad"), ("none", "pawsx"), ("copa", "xquad"), ("copa", "pawsx")]
    return [chain(workspace, f"intermediate={first}", f"target={target}", *BRIEF) for first, target in cells]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[list[Chain], Train]]:
    """A grid of which another process is training COPA."""
    chains = grid(tmp_path)
    copa = next(stage for stage in todo_of(chains) if isinstance(stage, Train) and stage.data.task == "copa")
    with claim(lock_file(tmp_path, copa), "another process"):
        yield chains, copa


def test_what_another_process_makes_is_waited_for_only_when_nothing_else_is_left(held, tmp_path: Path) -> None:
    chains, copa = held
    told: list[Event] = []

    def stopping() -> bool:
        return any(event.phase == "wait" for event in told)

    todo = todo_of(chains)
    with pytest.raises(Interrupted, match="waiting for another process"):
        run_missing(todo, chains[0].site, told.append, stopping)
    made = {stage for stage in todo if completed(tmp_path, stage) is not None}
    blocked = {stage for stage in todo if stage == copa or copa in below(stage)}
    assert made == set(todo) - blocked
    assert len(made) == 4 and len(blocked) == 5
    assert [event.stage for event in told if event.phase == "wait"] == [slug(copa)]


def below(stage: Stage) -> list[object]:
    found: list[object] = []
    while isinstance(stage, Predict | Train):
        stage = stage.model if isinstance(stage, Predict) else stage.start
        found.append(stage)
    return found


def test_two_runs_at_once_train_what_both_stand_on_once(tmp_path: Path) -> None:
    words = ("intermediate=squad", "languages=[en]", *TINY, "intermediate.max_steps=30", "intermediate.epochs=30")
    running = [
        subprocess.Popen(
            [*PROGRAM, "run", f"target={target}", *words, "-w", str(tmp_path)],
            env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for target in ("tydiqa", "xquad")
    ]  # fmt: skip
    said = [run.communicate(timeout=100) for run in running]
    assert [run.returncode for run in running] == [0, 0], said
    trained = [int(re.search(r"✓ (\d) trained, 1 predicted", out)[1]) for out, _ in said]
    assert sorted(trained) == [1, 2], "one run trained SQuAD and its target, the other its target only"
    (log,) = (path for path in tmp_path.glob("logs/squad-*.log") if "30/30" in path.read_text(encoding="utf-8"))
    assert log.read_text(encoding="utf-8").count("  done  ") == 1
