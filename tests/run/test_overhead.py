"""What a stage costs beyond its own work: claims, notes, a log, a record, the way to a worker and back."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from test_schedule import CHOICE

from stilts_xl.core.event import DONE, Event
from stilts_xl.core.place import DataPlace
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Predict, Stage, slug
from stilts_xl.run.drive import drive
from stilts_xl.run.launchers.base import Launcher
from stilts_xl.run.launchers.here import Here
from stilts_xl.run.launchers.local import Local, Slot
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.schedule import Schedule
from stilts_xl.store.record import write_record
from stilts_xl.store.store import completed, stage_folder
from toys import COMPUTE, SCRATCH, learned, rows

STAGES = 500
WORK = 0.004
"""Seconds of a stage's own work."""
MOST = 0.020
"""Seconds that a stage may cost beyond its work."""


def make_trivial(stages: list[Stage], site: Site, memory: Memory, book: Logbook, stopping: Callable[[], bool]) -> None:
    """Stages of a few milliseconds, complete like any other."""
    for stage in stages:
        book.begin(slug(stage))
        time.sleep(WORK)
        assert not stopping()
        folder = stage_folder(Path(site.workspace), stage)
        folder.mkdir(parents=True)
        (folder / "work").write_text("done\\n", encoding="utf-8")
        write_record(folder, stage, ["work"], {}, {})
        book.report(Event(slug(stage), DONE, 1, 1))


def grid() -> list[Stage]:
    """Ten intermediate trainings, nine targets on each, and four languages of each of these."""
    first = [learned("mnli", seed=number) for number in range(10)]
    second = [learned("tydiqa", below, seed=number) for below in first for number in range(9)]
    goals = [
        Predict(rows("xnli", "test", code), model) for model in (*first, *second) for code in ("ar", "de", "en", "fr")
    ]
    return [*first, *second, *goals]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_trivial_stage_costs_little_more_than_its_work(workers: int, tmp_path: Path) -> None:
    events: list[Event] = []
    todo = grid()
    assert len(todo) == STAGES
    site = Site(str(tmp_path), DataPlace("sample", "", "lock", True), CHOICE, COMPUTE, "none")
    slots = [Slot(f"cpu:{number}", {}) for number in range(workers)]
    launcher: Launcher = (
        Local(slots, events.append, make_trivial) if workers else Here(events.append, lambda: False, make_trivial)
    )
    with closing(launcher):
        drive(Schedule(todo[:1], {SCRATCH: site}, 0), launcher, events.append, lambda: False, False)  # workers import
        began = time.monotonic()
        made = drive(Schedule(todo[1:], {SCRATCH: site}, 0), launcher, events.append, lambda: False, False)
        took = time.monotonic() - began
    assert made.trained + made.predicted == STAGES - 1
    assert all(completed(tmp_path, stage) for stage in todo)
    assert sum(event.phase == DONE for event in events) == STAGES
    beyond = took * max(1, workers) / (STAGES - 1) - WORK
    print(f"{workers} workers: {1000 * beyond:.1f} ms a stage beyond its work")
    assert beyond < MOST
