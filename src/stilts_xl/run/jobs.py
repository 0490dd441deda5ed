"""Jobs: what one worker makes with one model in memory, under claims, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stilts_xl.core.errors import Interrupted, Lost, StiltsError, file_error
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Predict, Stage, Train, slug
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.predict import make_predictions
from stilts_xl.run.processes import make_training_together
from stilts_xl.run.train import make_training
from stilts_xl.store.lock import Held, claim
from stilts_xl.store.prune import clear_leftovers
from stilts_xl.store.store import is_complete, lock_file, stage_folder


@dataclass(frozen=True)
class Job:
    """A training, or predictions of one model."""

    stages: tuple[Stage, ...]
    site: Site

    @property
    def base(self) -> Train | Model:
        """The model that it needs."""
        first = self.stages[0]
        return first.start if isinstance(first, Train) else first.model


@dataclass(frozen=True)
class Fault:
    """A stage that could not be made."""

    slug: str
    message: str
    code: int
    """The exit code of a command that had nothing else to do: 1, 2, or 130 where it was asked to stop."""
    everywhere: bool = False
    """Whether other stages would meet it too, as a full disk."""


@dataclass(frozen=True)
class Done:
    """What became of a job; a stage that is nowhere here was complete before."""

    made: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Stages that another process makes."""
    left: tuple[str, ...] = ()
    """Stages that were not tried because one before them failed."""
    fault: Fault | None = None


Make = Callable[[list[Stage], Site, Memory, Logbook, Callable[[], bool]], None]
"""Makes the claimed stages of one job in their order; each is begun in the logbook, and complete when it is done."""


def make_stages(stages: list[Stage], site: Site, memory: Memory, book: Logbook, stopping: Callable[[], bool]) -> None:
    """Make a training, alone or in several processes, or predictions of one model."""
    first = stages[0]
    book.begin(slug(first))
    if isinstance(first, Predict):
        predictions = [stage for stage in stages if isinstance(stage, Predict)]
        make_predictions(predictions, site, memory, book.report, stopping, lambda stage: book.begin(slug(stage)))
    elif site.compute.processes > 1:
        memory.forget()
        make_training_together(first, site, book.report, stopping)
    else:
        make_training(first, site, memory, book.report, stopping)


def do_job(job: Job, memory: Memory, book: Logbook, stopping: Callable[[], bool], make: Make = make_stages) -> Done:
    """Claim and make what of a job is missing and not another process's; a failure is told, and only a bug raised."""
    workspace = Path(job.site.workspace)
    held = {slug(stage): taken for stage in job.stages if (taken := claim(lock_file(workspace, stage), slug(stage)))}
    fault, mine = None, []
    try:
        mine = [stage for stage in job.stages if slug(stage) in held and not is_complete(workspace, stage)]
        for stage in mine:
            clear_leftovers(stage_folder(workspace, stage))
        if mine:
            make(mine, job.site, memory, book, partial(_stopping, stopping, held))
    except Lost:
        memory.forget()
    except (StiltsError, OSError) as error:
        fault = _fault(error, book, slug(mine[0] if mine else job.stages[0]))
        memory.forget()
    finally:
        book.end()
        for one in held.values():
            one.release()
    undone = [slug(stage) for stage in job.stages if not is_complete(workspace, stage)]
    made = tuple(slug(stage) for stage in mine if slug(stage) not in undone)
    if fault is None:
        return Done(made, held=tuple(undone))
    return Done(
        made,
        held=tuple(name for name in undone if name not in held and name != fault.slug),
        left=tuple(name for name in undone if name in held and name != fault.slug),
        fault=fault,
    )


def _stopping(asked: Callable[[], bool], held: Mapping[str, Held]) -> bool:
    """Whether to stop. Raises Lost where a claim is no longer ours: two writers never touch one artifact."""
    for name, one in held.items():
        if one.lost():
            raise Lost(f"{name}: another process has taken it over")
    return asked()


def _fault(error: StiltsError | OSError, book: Logbook, first: str) -> Fault:
    """What is told of a failure; an error of the system that is nobody's mistake is a bug, and raised."""
    name = book.slug or first
    told = error if isinstance(error, StiltsError) else file_error(error)
    if told is None:
        raise error
    if told.exit_code != Interrupted.exit_code:
        book.fail(str(told))
    return Fault(name, str(told), told.exit_code, everywhere=isinstance(error, OSError))
