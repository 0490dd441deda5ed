"""A grid as tables: the average score of every cell, and its gain over the chain without an intermediate task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import stdev

from stilts_xl.metrics.scores import METRICS, Metric, mean
from stilts_xl.report.collect import Scored, model_name
from stilts_xl.report.tables import SAMPLE, Table
from stilts_xl.tasks.catalog import all_tasks, task_named

NONE = "none"
BySeed = dict[int | None, float]
"""Seed -> the average over languages; None where nothing is trained, and nothing is random."""
Averages = dict[tuple[str, str], BySeed]
"""(intermediate, target) -> its averages."""


@dataclass(frozen=True)
class Gains:
    """How much better the cells of one model are than those without an intermediate task."""

    model: str
    rows: tuple[str, ...]
    """Intermediate tasks."""
    targets: tuple[str, ...]
    values: tuple[tuple[BySeed, ...], ...]
    """[rows][targets] the gain of each seed, in the metric's unit, signed so that more is better; {} where one is missing."""
    footer: tuple[str, ...]


def grid_tables(found: Iterable[Scored]) -> list[Table]:
    """For each model the scores and, where chains without an intermediate task are here, the gains over them."""
    tables = []
    for model, group in _by_model(found).items():
        tables.append(_score_table(model, group))
        gains = _gains(model, group)
        if gains.rows and any(values for row in gains.values for values in row):
            tables.append(_gain_table(gains))
    return tables


def full_colour(gains: Iterable[float]) -> float:
    """How large a gain or loss has the fullest colour: one in ten is larger, lest a single one pale all others."""
    sizes = sorted(abs(gain) for gain in gains)
    return (sizes[-1 - len(sizes) // 10] or sizes[-1] if sizes else 0.0) or 1.0


def grid_gains(found: Iterable[Scored]) -> list[Gains]:
    """The gains of each model, for pictures."""
    return [_gains(model, group) for model, group in _by_model(found).items()]


def _by_model(found: Iterable[Scored]) -> dict[str, list[Scored]]:
    groups: dict[str, list[Scored]] = {}
    for scored in found:
        if scored.scores:
            groups.setdefault(model_name(scored.run), []).append(scored)
    return groups


def _averages(group: Sequence[Scored]) -> tuple[Averages, list[str], list[str]]:
    """(averages, intermediate tasks with none first, targets), both in the catalog's order."""
    averages: Averages = {}
    for scored in group:
        cell = scored.run.cell
        average = scored.average(_metric(cell.target).name)
        assert average is not None
        averages.setdefault((cell.intermediate, cell.target), {})[cell.seed] = average
    order = {name: place for place, name in enumerate((NONE, *all_tasks()))}
    rows = sorted({row for row, _ in averages}, key=order.__getitem__)
    return averages, rows, sorted({target for _, target in averages}, key=order.__getitem__)


def _score_table(model: str, group: Sequence[Scored]) -> Table:
    averages, rows, targets = _averages(group)
    return Table(
        f"{model}: average over languages",
        ("intermediate", *(f"{target} {'↑' if _metric(target).higher else '↓'}" for target in targets)),
        tuple((row, *(_spread(averages.get((row, target), {}), target) for target in targets)) for row in rows),
        ("best", *(_best(averages, rows, target) for target in targets)),
        _footer(group),
    )


def _gains(model: str, group: Sequence[Scored]) -> Gains:
    averages, rows, targets = _averages(group)
    compared = tuple(row for row in rows if row != NONE)
    values = tuple(tuple(_gain(averages, row, target) for target in targets) for row in compared)
    return Gains(model, compared, tuple(targets), values, _footer(group))


def _gain(averages: Averages, row: str, target: str) -> BySeed:
    """Seed -> how much better a cell is than the one of the same seed without an intermediate task.

    A target that is only searched has one such cell, whatever the seed.
    """
    base = averages.get((NONE, target), {})
    sign = 1 if _metric(target).higher else -1
    return {
        seed: sign * (value - base.get(seed, base.get(None, 0.0)))
        for seed, value in averages.get((row, target), {}).items()
        if seed in base or None in base
    }


def _gain_table(gains: Gains) -> Table:
    rows = [
        (name, *(_spread(values, target, signed=True) for values, target in zip(row, gains.targets, strict=True)))
        for name, row in zip(gains.rows, gains.values, strict=True)
    ]
    means = []
    for place, target in enumerate(gains.targets):
        column = [mean(list(row[place].values())) for row in gains.values if row[place]]
        means.append(_signed(mean(column), target) if column else "–")
    footer = ["mean: over the intermediate tasks that are here"]
    footer += [line for line in gains.footer if line.startswith(("sample data", "limited"))]
    title = f"{gains.model}: gain over no intermediate task"
    return Table(title, ("intermediate", *gains.targets), tuple(rows), ("mean", *means), tuple(footer), heat=True)


def _metric(target: str) -> Metric:
    return METRICS[task_named(target).metrics[0]]


def _spread(values: BySeed, target: str, signed: bool = False) -> str:
    """The mean over seeds, with their standard deviation where there are several."""
    if not values:
        return "–"
    found = list(values.values())
    centre = _signed(mean(found), target) if signed else _number(mean(found), target)
    return centre if len(found) == 1 else f"{centre} ± {_number(stdev(found), target)}"


def _best(averages: Averages, rows: Sequence[str], target: str) -> str:
    here = [row for row in rows if (row, target) in averages]
    sign = 1 if _metric(target).higher else -1
    return max(here, key=lambda row: sign * mean(list(averages[row, target].values())))


def _signed(gain: float, target: str) -> str:
    text = _number(gain, target)
    return text.lstrip("-") if float(text) == 0 else f"+{text}" if gain > 0 else text


def _number(value: float, target: str) -> str:
    return f"{value:.1f}" if _metric(target).scale == 100 else f"{value:.3f}"


def _footer(group: Sequence[Scored]) -> tuple[str, ...]:
    """What a reader must know of the cells: metrics, splits, languages, protocol, seeds, where the rows are from."""
    targets = {}
    for scored in group:
        cell = scored.run.cell
        here = len({row.language for row in scored.scores})
        targets[cell.target] = (
            f"{cell.target} {_metric(cell.target).name}, {cell.split}, {here} of {len(cell.languages)}"
        )
    lines = ["metric, split and languages: " + "; ".join(targets.values())]
    lines.append("protocol " + ", ".join(dict.fromkeys(scored.run.cell.protocol for scored in group)))
    seeds = sorted({scored.run.cell.seed for scored in group if scored.run.cell.seed is not None})
    if seeds:
        several = len(seeds) > 1
        lines[-1] += f" · {'mean over seeds' if several else 'seed'} {', '.join(map(str, seeds))}"
        lines[-1] += ", ± their standard deviation" if several else ""
    if any(scored.run.source == "sample" for scored in group):
        lines.append(SAMPLE)
    limits = sorted({scored.run.limit for scored in group} - {0})
    lines += [f"limited to {limit} examples a split: not comparable with other results" for limit in limits]
    return tuple(lines)
