"""How many stages are done, run, wait, failed or are blocked, and how long the rest will take."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stilts_xl.core.stage import Stage, Train, slug, trainings

Expected = Callable[[Stage], float | None]
"""The seconds that a stage will take; None where that is unknown."""


@dataclass(frozen=True)
class Left:
    """How long it will be until everything is done that can be done."""

    seconds: float | None
    """At the present number of stages at once; None where nothing is like what is left."""
    unknown: int
    """Stages that are not in it, as nothing is like them."""


@dataclass(frozen=True)
class Tally:
    """Counts of stages; done, running, waiting, failed and blocked sum up to all of them."""

    stages: int
    done: int
    running: int
    waiting: int
    failed: int
    """Whose last trial failed."""
    blocked: int
    """Which stand on one that failed."""
    trainings: int
    trained: int
    """Trainings that are done; what is no training is a prediction."""
    left: Left


def tally(
    known: Collection[Stage],
    missing: Sequence[Stage],
    running: Mapping[str, float | None],
    failed: Collection[str],
    expected: Expected,
) -> Tally:
    """Count ``known`` stages, of which some are ``missing``, and of these some run or failed.

    ``running``: slug -> seconds left, None where unknown; names of others than the missing stages do not count.
    """
    names = {slug(stage): stage for stage in missing}
    at_work = {name: left for name, left in running.items() if name in names}
    broken = {name for name in failed if name in names and name not in at_work}
    stopped = {slug(stage) for stage in standing_on(missing, broken)} - broken - at_work.keys()
    waiting = [stage for name, stage in names.items() if not (name in at_work or name in broken or name in stopped)]
    to_train = sum(isinstance(stage, Train) for stage in missing)
    all_trainings = sum(isinstance(stage, Train) for stage in known)
    return Tally(
        stages=len(known),
        done=len(known) - len(names),
        running=len(at_work),
        waiting=len(waiting),
        failed=len(broken),
        blocked=len(stopped),
        trainings=all_trainings,
        trained=all_trainings - to_train,
        left=_left([expected(stage) for stage in waiting], list(at_work.values())),
    )


def standing_on(stages: Iterable[Stage], names: Collection[str]) -> list[Stage]:
    """The stages that need one of the named trainings, directly or not."""
    if not names:
        return []
    return [stage for stage in stages if any(slug(below) in names for below in trainings(stage) if below != stage)]


def _left(waiting: Sequence[float | None], running: Sequence[float | None]) -> Left:
    """The work that is known, shared by as many as work now; never less than what the slowest of them has before it."""
    known = [seconds for seconds in (*waiting, *running) if seconds is not None]
    unknown = len(waiting) + len(running) - len(known)
    if not known and unknown:
        return Left(None, unknown)
    longest = max((seconds for seconds in running if seconds is not None), default=0.0)
    return Left(max(sum(known) / max(1, len(running)), longest), unknown)
