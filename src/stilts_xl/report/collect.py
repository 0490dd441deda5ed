"""Scores of runs, always recomputed from the predictions that are in the workspace."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import StiltsError
from stilts_xl.core.score import Score
from stilts_xl.core.stage import Predict, slug
from stilts_xl.metrics.scores import item_counts, mean, score, shares
from stilts_xl.store.runs import Run
from stilts_xl.store.store import read_predictions, stage_folder, verified
from stilts_xl.tasks.catalog import task_named


@dataclass(frozen=True)
class Scored:
    """A run with its numbers."""

    run: Run
    scores: tuple[Score, ...]
    """One a language and metric, the goals' order."""
    items: Mapping[tuple[str, str], Mapping[str, float]]
    """(language, metric) -> item's id -> its share, in the metric's unit; their mean is the score."""
    facts: Mapping[str, Mapping[str, Any]]
    """Language -> what its prediction measured: thresholds, layers, counts."""
    unlabelled: tuple[str, ...]
    """Languages whose gold is hidden: predicted, not scored."""
    missing: tuple[str, ...]
    """Languages whose predictions are not here (or not intact)."""

    def value(self, language: str, metric: str) -> float | None:
        """A score, or None."""
        found = [row.value for row in self.scores if row.language == language and row.metric == metric]
        return found[0] if found else None

    def error(self, language: str, metric: str) -> float:
        """Standard error of a score over its items, in the metric's unit."""
        return standard_error(list(self.items[language, metric].values()))

    def average(self, metric: str) -> float | None:
        """The plain mean over the languages that are scored, English included; None without any."""
        values = [row.value for row in self.scores if row.metric == metric]
        return mean(values) if values else None


def collect(workspace: Path, run: Run) -> Scored:
    """Read and score a run's predictions."""
    task = task_named(run.cell.target)
    scores: list[Score] = []
    items: dict[tuple[str, str], Mapping[str, float]] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    unlabelled, missing = [], []
    for goal in run.goals:
        language = goal.data.language
        record = verified(workspace, goal)
        if record is None:
            missing.append(language)
            continue
        facts[language] = record.facts
        rows = read_predictions(stage_folder(workspace, goal))
        values = score(task.scorer, rows, language)
        if not values:
            unlabelled.append(language)
        for metric in task.metrics if values else ():
            scores.append(_score(run, goal, metric, values[metric], len(rows)))
            counts = [item_counts(task.scorer, row, language) for row in rows]
            added = shares(task.scorer, metric, counts)
            items[language, metric] = {row["id"]: share for row, share in zip(rows, added, strict=True)}
    return Scored(run, tuple(scores), items, facts, tuple(unlabelled), tuple(missing))


def standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean of values, in their unit; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


def paired_error(found: Scored, other: Scored, language: str, metric: str) -> float:
    """Standard error of the difference of two scores over the same items, in the metric's unit."""
    ours, theirs = found.items[language, metric], other.items[language, metric]
    return standard_error([value - theirs[name] for name, value in ours.items()])


def baseline_of(run: Run, runs: Sequence[Run]) -> Run | None:
    """The run that differs only in having no intermediate task; None where there is none, or ``run`` is it."""
    if run.cell.intermediate == "none":
        return None
    same = [
        other
        for other in runs
        if other.cell.intermediate == "none"
        and other.cell.phases == run.cell.target_phases
        and _comparable(other) == _comparable(run)
    ]
    return same[-1] if same else None


def _comparable(run: Run) -> tuple[object, ...]:
    cell = run.cell
    data = {goal.data.language: goal.data for goal in run.goals}
    retrieval = replace(cell.retrieval, curve=False) if cell.retrieval else None  # other layers change no score
    return (cell.model, cell.target, cell.split, retrieval, data, run.source, run.limit)


def model_name(run: Run) -> str:
    """What the model is called in tables."""
    return run.cell.model.name


def _score(run: Run, goal: Predict, metric: str, value: float, n: int) -> Score:
    cell = run.cell
    return Score(
        model=model_name(run),
        intermediate=cell.intermediate,
        target=cell.target,
        language=goal.data.language,
        split=cell.split,
        seed=cell.seed,
        protocol=cell.protocol,
        metric=metric,
        value=value,
        n=n,
        key=slug(goal),
    )


def require_scores(found: Scored) -> None:
    """Raise StiltsError where nothing of a run is here to be shown."""
    if not found.scores and not found.unlabelled:
        raise StiltsError(f"no predictions of {found.run.cell.target} are here; run the chain again")
