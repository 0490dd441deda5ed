"""Tables as values: cells are text, and everything a reader must know stands in the title or the footer."""

from dataclasses import dataclass

from stilts_xl.core.stage import slug, trainings
from stilts_xl.core.study import Cell
from stilts_xl.report.collect import Scored, model_name, paired_error
from stilts_xl.store.runs import Run
from stilts_xl.tasks.catalog import task_named

SHORT = {"f1": "F1", "exact_match": "EM", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Table:
    """A table to be rendered."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summary: tuple[str, ...]
    """The last row: averages."""
    footer: tuple[str, ...]


def language_table(found: Scored, baseline: Scored | None) -> Table:
    """One row a language: each metric with its standard error, n, and the gain where a baseline is here.

    The average is over the languages present, English included; those absent are named in the footer.
    """
    task = task_named(found.run.cell.target)
    metrics = task.metrics
    columns = ["language", *(f"{SHORT[metric]} ↑" for metric in metrics), "n"]
    if baseline is not None:
        columns.append(f"gain in {SHORT[metrics[0]]}")
    rows = []
    counts = {row.language: row.n for row in found.scores}
    for language in [goal.data.language for goal in found.run.goals if goal.data.language in counts]:
        row = [language]
        for metric in metrics:
            row.append(f"{found.value(language, metric):.1f} ± {found.error(language, metric):.1f}")
        row.append(f"{counts[language]:,}")
        if baseline is not None:
            row.append(_paired_gain(found, baseline, language, metrics[0]))
        rows.append(tuple(row))
    summary = ["average", *(_number(found.average(metric)) for metric in metrics), f"{sum(counts.values()):,}"]
    if baseline is not None:
        same = {row.language for row in baseline.scores} >= set(counts)
        summary.append(_gain(found.average(metrics[0]), baseline.average(metrics[0]) if same else None))
    return Table(_title(found), tuple(columns), tuple(rows), tuple(summary), _footer(found, baseline))


def _title(found: Scored) -> str:
    cell = found.run.cell
    arrow = f"{model_name(found.run)} → {cell.intermediate} → {cell.target}"
    return arrow if cell.intermediate != "none" else f"{model_name(found.run)} → {cell.target}"


def _footer(found: Scored, baseline: Scored | None) -> tuple[str, ...]:
    run, cell = found.run, found.run.cell
    scored = {row.language for row in found.scores}
    average = f"average over {len(scored)} of {_languages(len(cell.languages))}"
    lines = [
        f"protocol {cell.protocol} · {_seeds(cell)} · {cell.split} split",
        f"{average} · ± standard error over items",
    ]
    lines.append("keys " + " → ".join(slug(training) for training in trainings(run.goals[0].model)))
    if baseline is not None:
        lines.append(f"gain over {slug(baseline.run.goals[0].model)} (no intermediate task), ± over the same items")
    if run.source == "sample":
        lines.append("sample data: invented rows to try things out; no number here means anything")
    if run.limit:
        lines.append(f"limited to {run.limit} examples a split: not comparable with other results")
    if run.absent:
        looked = next(iter(run.absent.values()))[0]
        lines.append(f"not in the average, no file: {', '.join(run.absent)} (looked for {looked} and the like)")
    if found.unlabelled:
        lines.append(
            f"not in the average, labels hidden by the publisher: {', '.join(found.unlabelled)} (predictions are written)"
        )
    if found.missing:
        lines.append(f"not in the average, not predicted yet: {', '.join(found.missing)}")
    lines += _selection(run)
    return tuple(lines)


def _selection(run: Run) -> list[str]:
    """A word where the English rows that chose the best step are among those that are scored."""
    chosen = run.goals[0].model.validation
    scored = {(goal.data.source, goal.data.language) for goal in run.goals}
    if chosen is None or (chosen.source, chosen.language) not in scored:
        return []
    return ["the best step was chosen on the English rows that are scored here"]


def _seeds(cell: Cell) -> str:
    seeds = [str(phase.recipe.seed) for phase in cell.phases]
    return f"seed {cell.seed}" if len(set(seeds)) == 1 else f"seeds {' → '.join(seeds)}"


def _languages(count: int) -> str:
    return f"{count} language" if count == 1 else f"{count} languages"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _paired_gain(found: Scored, baseline: Scored, language: str, metric: str) -> str:
    gain = _gain(found.value(language, metric), baseline.value(language, metric))
    return gain if gain == "–" else f"{gain} ± {paired_error(found, baseline, language, metric):.1f}"


def _gain(value: float | None, base: float | None) -> str:
    if value is None or base is None:
        return "–"
    return f"{value - base:+.1f}" if abs(value - base) >= 0.05 else "0.0"
