"""How long what is missing will take, and how much disk, from what was measured in the same workspace."""

from collections.abc import Iterable
from dataclasses import dataclass
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
    measured: dict[tuple[object, ...], list[tuple[float, int]]] = {}
    for _, record in records(workspace):
        if record is not None:
            size = sum(kept.bytes for kept in record.files.values())
            measured.setdefault(_sort(record.stage), []).append((float(record.facts["seconds"]), size))
    seconds, space = 0.0, 0.0
    unknown = 0
    for stage in missing:
        like = measured.get(_sort(stage))
        if like is None:
            unknown += 1
            continue
        seconds += fmean(each for each, _ in like)
        space += fmean(each for _, each in like)
    return Estimate(seconds, round(space), unknown)


def _sort(stage: Stage) -> tuple[object, ...]:
    parts = stage.data.parts if isinstance(stage.data, Mixture) else (stage.data,)
    steps = stage.recipe.max_steps if isinstance(stage, Train) else 0
    return type(stage), stage.data.task, origin(stage), {part.limit for part in parts} == {0}, steps
