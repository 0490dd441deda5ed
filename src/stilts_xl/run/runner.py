"""Do all that is missing for a chain, claim by claim, on this machine and beside other runs of the same workspace."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stilts_xl.core.errors import Interrupted, Mistake, StiltsError
from stilts_xl.core.event import DONE, FAILED, Event, Reporter
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Predict, Rows, Stage, Train, slug, trainings
from stilts_xl.data.examples import load_rows
from stilts_xl.run.predict import make_predictions
from stilts_xl.run.processes import make_training_together
from stilts_xl.run.quiet import quiet
from stilts_xl.run.start import First, require_start
from stilts_xl.run.train import make_training
from stilts_xl.store.lock import Held, claim
from stilts_xl.store.store import completed, lock_file, require_writable

POLL = 1.0
"""Seconds between looks at stages that others are making."""


@dataclass(frozen=True)
class Failure:
    """A stage that could not be made."""

    name: str
    message: str
    blocked: int
    """Missing stages that stand on it."""


@dataclass(frozen=True)
class Made:
    """What a run did."""

    trained: int
    predicted: int
    failures: tuple[Failure, ...] = ()


def run_missing(
    todo: tuple[Stage, ...],
    site: Site,
    report: Reporter,
    stopping: Callable[[], bool],
    keep_going: bool = False,
) -> Made:
    """Make the missing stages, and wait for those that another process is making. Raises what a stage raises.

    All data of the missing stages are read and checked before the first training. ``keep_going``: a stage that fails
    stops only what stands on it, and is listed.
    """
    workspace = Path(site.workspace)
    require_writable(workspace)
    quiet()
    require_start(todo, check_data(todo, site, report, stopping), site)
    trained = predicted = 0
    failures: list[Failure] = []
    waiting_for: set[str] = set()
    while todo:
        ready, held = claim_first(todo, workspace)
        try:
            mine = [stage for stage in ready if slug(stage) in held and completed(workspace, stage) is None]
            if mine and isinstance(mine[0], Train):
                make = make_training_together if site.compute.processes > 1 else make_training
                make(mine[0], site, report, stopping)
                trained += 1
            elif mine:
                jobs = [stage for stage in mine if isinstance(stage, Predict)]
                make_predictions(jobs, site, report, stopping)
                predicted += len(jobs)
        except StiltsError as error:
            if not keep_going or isinstance(error, Interrupted):
                raise
            broken = next(stage for stage in mine if completed(workspace, stage) is None)
            predicted += sum(isinstance(stage, Predict) and completed(workspace, stage) is not None for stage in mine)
            lost = [stage for stage in todo if stage == broken or broken in trainings(stage)]
            failures.append(Failure(slug(broken), str(error), len(lost) - 1))
            report(Event(slug(broken), FAILED, 0, 0, message=str(error).splitlines()[0]))
            todo = tuple(stage for stage in todo if stage not in lost)
        finally:
            for claimed in held.values():
                claimed.release()
        todo = tuple(stage for stage in todo if completed(workspace, stage) is None)
        if not held and todo:
            _wait(ready, waiting_for, report, stopping)
    return Made(trained, predicted, tuple(failures))


def claim_first(todo: tuple[Stage, ...], workspace: Path) -> tuple[list[Stage], dict[str, Held]]:
    """The first job of which something can be claimed, and the claims; the first of all without any where others hold all."""
    first: list[Stage] = []
    for job in ready_jobs(todo):
        held = claim_all(job, workspace)
        if held:
            return job, held
        first = first or job
    return first, {}


def ready_jobs(todo: tuple[Stage, ...]) -> Iterator[list[Stage]]:
    """What can be made now, in order: a training whose start is here, or all predictions of a model that is here."""
    missing = set(todo)
    predicted: set[Train | Model] = set()
    for stage in todo:
        below = stage.model if isinstance(stage, Predict) else stage.start
        if below in missing or below in predicted:
            continue
        if isinstance(stage, Train):
            yield [stage]
        else:
            predicted.add(below)
            yield [other for other in todo if isinstance(other, Predict) and other.model == below]


def claim_all(wanted: list[Stage], workspace: Path) -> dict[str, Held]:
    """Claims on those of the stages that nobody living holds."""
    found = {slug(stage): claim(lock_file(workspace, stage), slug(stage)) for stage in wanted}
    return {name: held for name, held in found.items() if held is not None}


def check_data(
    todo: tuple[Stage, ...], site: Site, report: Reporter, stopping: Callable[[], bool]
) -> dict[Rows, First]:
    """Read and check every row that the stages will need, so that a broken one stops the run before any training.

    Returns the first example of each set, and its labels.
    """
    others = [stage.validation if isinstance(stage, Train) else stage.tuning for stage in todo]
    choosing = [data for data in others if data is not None]
    first: dict[Rows, First] = {}
    distinct = list(dict.fromkeys([*(stage.data for stage in todo), *choosing]))
    for number, data in enumerate(distinct, 1):
        if stopping():
            raise Interrupted("stopped before anything was trained")
        try:
            loaded = load_rows(data, site.place)
        except Mistake as error:
            raise Mistake(f"{error}\nnothing was trained; stilts data check shows every split that is wrong") from None
        if data in choosing and loaded.unlabelled:
            raise Mistake(
                f"{loaded.origin}: expected labelled rows to choose the best step by, found {loaded.unlabelled} without\n"
                "put the publisher's own file there, or keep the last step with target.selection=last (or intermediate.)"
            )
        first[data] = First(loaded.examples[0], loaded.labels)
        message = f"{loaded.origin}: {loaded.moved} answers re-located" if loaded.moved else ""
        report(Event("data", "check", number, len(distinct), message=message))
    report(Event("data", DONE, len(distinct), len(distinct)))
    return first


def _wait(ready: list[Stage], waiting_for: set[str], report: Reporter, stopping: Callable[[], bool]) -> None:
    for stage in ready:
        if slug(stage) not in waiting_for:
            waiting_for.add(slug(stage))
            report(Event(slug(stage), "wait", 0, 0, message=f"another process is making {slug(stage)}; waiting for it"))
    if stopping():
        raise Interrupted("stopped while waiting for another process; nothing of ours was under way")
    time.sleep(POLL)
