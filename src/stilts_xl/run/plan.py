"""What is here and what is missing, before anything runs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stilts_xl.core.identity import canonical, differences
from stilts_xl.core.stage import Predict, Stage, Train, key
from stilts_xl.core.study import stages
from stilts_xl.store.record import Record
from stilts_xl.store.store import is_complete, records, verified


@dataclass(frozen=True)
class Step:
    """A stage of a plan."""

    stage: Stage
    state: str
    """here, missing, or unneeded: absent, but nothing that is missing stands on it."""


def plan(goals: tuple[Predict, ...], workspace: Path) -> tuple[Step, ...]:
    """Every stage of the goals in an order that can be run; sizes are looked at, bytes are not."""

    @cache
    def here(stage: Stage) -> bool:
        return is_complete(workspace, stage)

    needed = set(missing(goals, here))

    def state(stage: Stage) -> str:
        if stage in needed:
            return "missing"
        return "here" if here(stage) else "unneeded"

    return tuple(Step(stage, state(stage)) for stage in stages(goals))


def missing(goals: Iterable[Predict], have: Callable[[Stage], object]) -> tuple[Stage, ...]:
    """The stages that must be made for the goals, each once, what it stands on before it.

    ``have`` is asked once a stage, and never about what only complete stages stand on: their weights may be gone.
    """
    ordered: dict[Stage, bool] = {}

    def visit(stage: Stage) -> None:
        if stage in ordered:
            return
        if have(stage):
            ordered[stage] = False
            return
        below = stage.model if isinstance(stage, Predict) else stage.start
        if isinstance(below, Train):
            visit(below)
        ordered[stage] = True

    for goal in goals:
        visit(goal)
    return tuple(stage for stage, absent in ordered.items() if absent)


def missing_stages(goals: tuple[Predict, ...], workspace: Path) -> tuple[Stage, ...]:
    """The stages to make, every artifact that will be used read byte by byte; broken ones are made again."""
    return missing(goals, lambda stage: verified(workspace, stage))


def relative(stage: Stage, workspace: Path) -> tuple[Record, list[tuple[str, Any, Any]]] | None:
    """The complete stage of the same task (and language) with the fewest other settings: (its record, differences).

    A difference is (setting, this stage's value, the other's). None where nothing of that task is here.
    """
    mine = canonical(stage, whole=True)
    found = [
        (record, differences(mine, canonical(record.stage, whole=True)))
        for _, record in records(workspace)
        if record is not None and record.key != key(stage) and _alike(record.stage, stage)
    ]
    return min(found, key=lambda pair: (len(pair[1]), pair[0].slug), default=None)


def _alike(one: Stage, other: Stage) -> bool:
    return type(one) is type(other) and (one.data.task, one.data.language) == (other.data.task, other.data.language)
