"""How long what is missing will take, and how much disk, from what was measured in the same workspace."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from stilts_xl.core.stage import Mixture, Stage, Train, origin
from stilts_xl.store.store import records


@dataclass(frozen=True)
class Estimate:
    """Sums over missing stages."""

    seconds: float
    """Of the stages that have a like one here, one after another."""
    bytes: int
    """The same of disk."""
    unknown: int
    """Stages of whose like nothing is here."""


def estimate(missing: Iterable[Stage], workspace: Path) -> Estimate:
    """What is missing costs what the finished stages of the same sort, task, model and limit cost on average."""
    mean = _means(workspace)
    found = [mean(stage) for stage in missing]
    known = [cost for cost in found if cost is not None]
    return Estimate(
        sum(seconds for seconds, _ in known), round(sum(size for _, size in known)), len(found) - len(known)
    )


def expected(workspace: Path) -> Callable[[Stage], float | None]:
    """The seconds that a stage will take, as ``estimate`` counts them; None where nothing here is like it.

    The workspace is read once, at the first question.
    """
    mean = _means(workspace)

    def seconds(stage: Stage) -> float | None:
        found = mean(stage)
        return None if found is None else found[0]

    return seconds


def _means(workspace: Path) -> Callable[[Stage], tuple[float, float] | None]:
    """(seconds, bytes) of the finished stages that are like a stage."""

    @cache
    def measured() -> dict[tuple[object, ...], tuple[float, float]]:
        found: dict[tuple[object, ...], list[tuple[float, int]]] = {}
        for _, record in records(workspace):
            if record is not None:
                size = sum(kept.bytes for kept in record.files.values())
                found.setdefault(_sort(record.stage), []).append((float(record.facts["seconds"]), size))
        return {
            sort: (fmean(each for each, _ in like), fmean(each for _, each in like)) for sort, like in found.items()
        }

    return lambda stage: measured().get(_sort(stage))


def _sort(stage: Stage) -> tuple[object, ...]:
    parts = stage.data.parts if isinstance(stage.data, Mixture) else (stage.data,)
    steps = stage.recipe.max_steps if isinstance(stage, Train) else 0
    return type(stage), stage.data.task, origin(stage), {part.limit for part in parts} == {0}, steps
