"""Feed a launcher with the jobs of a schedule until all is made, failed, or asked to stop."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from stilts_xl.core.errors import Interrupted, Mistake, StiltsError
from stilts_xl.core.event import FAILED, Event, Reporter
from stilts_xl.core.stage import slug
from stilts_xl.run.jobs import Fault, Job
from stilts_xl.run.launchers.base import Ended, Launcher
from stilts_xl.run.schedule import Made, Schedule
from stilts_xl.store.notes import Trouble, keep_trouble, log_file

PATIENCE = 0.1
"""Seconds in which a wish to stop is heard."""


def drive(
    schedule: Schedule, launcher: Launcher, report: Reporter, stopping: Callable[[], bool], keep_going: bool
) -> Made:
    """Make all jobs. Raises Interrupted where ``stopping``, and what a stage failed with unless ``keep_going``.

    A failure that every stage would meet, as a full disk, is raised in any case, after what runs has ended.
    """
    running: set[Job] = set()
    told: set[str] = set()
    last: Fault | None = None
    asked = False
    while True:
        if not asked and (stopping() or last is not None):
            asked = True
            launcher.stop()
        for place in () if asked else launcher.free():
            job = schedule.next(place.kept)
            if job is None:
                break
            launcher.start(place, job)
            running.add(job)
        if not running and (asked or schedule.finished):
            break
        if not running:
            _tell_waiting(schedule.held, told, report)
            time.sleep(PATIENCE)
            continue
        for ended in launcher.ended(PATIENCE):
            running.discard(ended.job)
            fault = _taken(ended, schedule, report)
            if fault is None:
                continue
            if not keep_going or fault.everywhere or fault.code == Interrupted.exit_code:
                last = last or fault
            else:
                report(Event(fault.slug, FAILED, 0, 0, message=fault.message.splitlines()[0]))
    if last is not None:
        raise next(kind for kind in (Interrupted, Mistake, StiltsError) if kind.exit_code == last.code)(last.message)
    if not schedule.finished:
        raise Interrupted("stopped while waiting for another process; nothing of ours was under way")
    return Made(schedule.trained, schedule.predicted, tuple(schedule.failures))


def _taken(ended: Ended, schedule: Schedule, report: Reporter) -> Fault | None:
    """Hand the outcome of a job to the schedule; why one of its stages failed, or None."""
    if ended.done is None:
        fault = schedule.lost(ended.job, ended.how)
        if fault is not None:
            workspace = Path(ended.job.site.workspace)
            log = log_file(workspace, fault.slug).relative_to(workspace)
            keep_trouble(workspace, Trouble(fault.slug, fault.message, str(log), datetime.now(UTC).isoformat()))
        name = fault.slug if fault else slug(ended.job.stages[0])
        again = "" if fault else f"the worker that made it {ended.how}; it is tried again"
        report(Event(name, "lost", 0, 0, message=again))
        return fault
    schedule.take(ended.job, ended.done)
    return ended.done.fault


def _tell_waiting(held: Sequence[str], told: set[str], report: Reporter) -> None:
    """Everything that could begin is made by others: say so, once a stage."""
    for name in held:
        if name not in told:
            told.add(name)
            report(Event(name, "wait", 0, 0, message=f"another process is making {name}; waiting for it"))
