"""Several processes on one workspace: what somebody else is making is left to them, and the rest goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import Event
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.run.grid import todo_of
from stilts_xl.run.resolve import Chain
from stilts_xl.run.runner import ready_jobs, run_missing
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


def test_jobs_are_ready_when_what_they_stand_on_is_not_missing(tmp_path: Path) -> None:
    todo = todo_of(grid(tmp_path))
    first = list(ready_jobs(todo))
    assert sorted(job[0].data.task for job in first) == ["copa", "pawsx", "squad"]
    trained = {job[0] for job in first}
    then = list(ready_jobs(tuple(stage for stage in todo if stage not in trained)))
    assert sorted((type(job[0]).__name__, job[0].data.task) for job in then) == [
        ("Predict", "pawsx"), ("Predict", "xquad"), ("Train", "pawsx"), ("Train", "squad"),
    ]  # fmt: skip


def test_all_predictions_of_a_model_are_one_job(tmp_path: Path) -> None:
    found = chain(tmp_path, "target=xquad", "languages=[en,de,zh]", "compute.threads=1")
    assert [len(job) for job in ready_jobs(found.goals)] == [3]
