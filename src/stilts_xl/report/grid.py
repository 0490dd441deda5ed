"""A grid as tables: the average score of every cell, and its gain over the chain without an intermediate task."""

from collections.abc import Iterable, Sequence

from stilts_xl.metrics.scores import METRICS, Metric, mean
from stilts_xl.report.collect import Scored, model_name
from stilts_xl.report.tables import Table
from stilts_xl.tasks.catalog import all_tasks, task_named

NONE = "none"
Averages = dict[tuple[str, str], list[float]]
"""(intermediate, target) -> the average over languages, once a seed."""


def grid_tables(found: Iterable[Scored]) -> list[Table]:
    """For each model the scores and, where chains without an intermediate task are here, the gains over them."""
    by_model: dict[str, list[Scored]] = {}
    for scored in found:
        if scored.scores:
            by_model.setdefault(model_name(scored.run), []).append(scored)
    return [table for model, group in by_model.items() for table in _tables(model, group)]


def _tables(model: str, group: Sequence[Scored]) -> list[Table]:
    averages: Averages = {}
    for scored in group:
        cell = scored.run.cell
        average = scored.average(_metric(cell.target).name)
        assert average is not None
        averages.setdefault((cell.intermediate, cell.target), []).append(average)
    order = {name: place for place, name in enumerate((NONE, *all_tasks()))}
    rows = sorted({row for row, _ in averages}, key=order.__getitem__)
    targets = sorted({target for _, target in averages}, key=order.__getitem__)
    scores = Table(
        f"{model}: average over languages",
        ("intermediate", *(f"{target} {'↑' if _metric(target).higher else '↓'}" for target in targets)),
        tuple((row, *(_value(averages, row, target) for target in targets)) for row in rows),
        ("best", *(_best(averages, rows, target) for target in targets)),
        _footer(group),
    )
    compared = [row for row in rows if row != NONE]
    if len(compared) == len(rows) or not compared:
        return [scores]
    gains = Table(
        f"{model}: gain over no intermediate task",
        ("intermediate", *(f"gain {target}" for target in targets)),
        tuple((row, *(_signed(_gain(averages, row, target), target) for target in targets)) for row in compared),
        ("mean", *(_signed(_mean_gain(averages, compared, target), target) for target in targets)),
        ("mean: over the intermediate tasks that are here",),
    )
    return [scores, gains]


def _metric(target: str) -> Metric:
    return METRICS[task_named(target).metrics[0]]


def _value(averages: Averages, row: str, target: str) -> str:
    values = averages.get((row, target))
    return "–" if values is None else _number(mean(values), target)


def _best(averages: Averages, rows: Sequence[str], target: str) -> str:
    here = [row for row in rows if (row, target) in averages]
    sign = 1 if _metric(target).higher else -1
    return max(here, key=lambda row: sign * mean(averages[row, target]))


def _gain(averages: Averages, row: str, target: str) -> float | None:
    """How much better a cell is than the one without an intermediate task; None where either is not here."""
    if (row, target) not in averages or (NONE, target) not in averages:
        return None
    difference = mean(averages[row, target]) - mean(averages[NONE, target])
    return difference if _metric(target).higher else -difference


def _mean_gain(averages: Averages, rows: Sequence[str], target: str) -> float | None:
    gains = [gain for row in rows if (gain := _gain(averages, row, target)) is not None]
    return mean(gains) if gains else None


def _signed(gain: float | None, target: str) -> str:
    if gain is None:
        return "–"
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
        lines[-1] += f" · {'seed' if len(seeds) == 1 else 'mean over seeds'} {', '.join(map(str, seeds))}"
    if any(scored.run.source == "sample" for scored in group):
        lines.append("sample data: invented rows to try things out; no number here means anything")
    limits = sorted({scored.run.limit for scored in group} - {0})
    lines += [f"limited to {limit} examples a split: not comparable with other results" for limit in limits]
    return tuple(lines)
