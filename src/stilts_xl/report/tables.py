"""Tables as values: cells are text, and everything a reader must know stands in the title or the footer."""

from dataclasses import dataclass

from stilts_xl.core.stage import Mixture, Train, slug, trainings
from stilts_xl.core.study import Cell
from stilts_xl.metrics.scores import METRICS
from stilts_xl.report.collect import Scored, model_name, paired_error
from stilts_xl.store.runs import Run
from stilts_xl.tasks.catalog import task_named

SHORT = {"f1": "F1", "exact_match": "EM"}
SAMPLE = "sample data: an invented world to try things out; no number here says anything about real languages"


@dataclass(frozen=True)
class Table:
    """A table to be rendered."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summary: tuple[str, ...]
    """The last row: averages."""
    footer: tuple[str, ...]
    heat: bool = False
    """Whether every number is a gain, so that the whole reads as a map of colours."""


def language_table(found: Scored, baseline: Scored | None) -> Table:
    """One row a language: each metric with its standard error, n, and the gain where a baseline is here.

    The average is over the languages present, English included; those absent are named in the footer.
    """
    task = task_named(found.run.cell.target)
    metrics = task.metrics
    columns = ["language", *(f"{_short(metric)} {'↑' if METRICS[metric].higher else '↓'}" for metric in metrics), "n"]
    if baseline is not None:
        columns.append(f"gain in {_short(metrics[0])}")
    rows = []
    counts = {row.language: row.n for row in found.scores}
    for language in [goal.data.language for goal in found.run.goals if goal.data.language in counts]:
        row = [language]
        for metric in metrics:
            value, error = found.value(language, metric), found.error(language, metric)
            row.append(f"{_number(value, metric)} ± {_number(error, metric)}")
        row.append(f"{counts[language]:,}")
        if baseline is not None:
            row.append(_paired_gain(found, baseline, language, metrics[0]))
        rows.append(tuple(row))
    summary = ["average", *(_number(found.average(metric), metric) for metric in metrics), f"{sum(counts.values()):,}"]
    if baseline is not None:
        same = {row.language for row in baseline.scores} >= set(counts)
        other = baseline.average(metrics[0]) if same else None
        summary.append(_gain(found.average(metrics[0]), other, metrics[0]))
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
        " · ".join([f"protocol {cell.protocol}", *_seeds(cell), f"{cell.split} split", *_variant(run)]),
        f"{average} · ± standard error over items",
    ]
    lines += _retrieval(found)
    keys = [slug(training) for training in trainings(run.goals[0])]
    lines.append("keys " + " → ".join(keys) if keys else "nothing was trained")
    if baseline is not None:
        below = [slug(training) for training in trainings(baseline.run.goals[0])]
        lines.append(
            f"gain over {below[-1] if below else 'the bare encoder'} (no intermediate task), ± over the same items"
        )
    if run.source == "sample":
        lines.append(SAMPLE)
    hub = task_named(cell.target).hub
    if run.source == "hub" and hub is not None and hub.deviation:
        lines.append(f"the Hub's copy deviates from the official data: {hub.deviation}")
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


def _retrieval(found: Scored) -> list[str]:
    """How sentences were compared, the thresholds that were fitted, and the scores of every layer."""
    retrieval = found.run.cell.retrieval
    if retrieval is None or not found.facts:
        return []
    layer = next(iter(found.facts.values()))["layer"]
    lines = [f"hidden states of layer {layer}, {retrieval.pooling} pooling"]
    fitted = {language: facts["threshold"] for language, facts in found.facts.items() if "threshold" in facts}
    if fitted:
        cuts = ", ".join(f"{language} {threshold:.4f}" for language, threshold in fitted.items())
        lines.append(f"margin threshold fitted on the {found.run.cell.tune_on} split: {cuts}")
    metric = task_named(found.run.cell.target).metrics[0]
    curves = [facts["curve"] for facts in found.facts.values() if any(facts.get("curve", {}).values())]
    if curves:
        means = {layer: sum(curve[layer][metric] for curve in curves) / len(curves) for layer in curves[0]}
        lines.append(
            f"{_short(metric)} by layer: " + ", ".join(f"{layer} {value:.1f}" for layer, value in means.items())
        )
    return lines


def _selection(run: Run) -> list[str]:
    """A word where the rows that chose the best step, or the threshold, are among those that are scored."""
    model = run.goals[0].model
    chosen = model.validation if isinstance(model, Train) else None
    parts = chosen.parts if isinstance(chosen, Mixture) else (chosen,) if chosen is not None else ()
    scored = {(goal.data.source, goal.data.language) for goal in run.goals}
    lines = []
    if any((part.source, part.language) in scored for part in parts):
        english = {part.language for part in parts} == {"en"}
        lines.append(f"the best step was chosen on {'the English rows' if english else 'rows'} that are scored here")
    if any(goal.tuning is not None and goal.tuning.source == goal.data.source for goal in run.goals):
        lines.append("the threshold was fitted on the rows that are scored here")
    return lines


def _seeds(cell: Cell) -> list[str]:
    seeds = list(dict.fromkeys(str(phase.recipe.seed) for phase in cell.phases))
    if not seeds:
        return []
    return [
        f"seed {seeds[0]}"
        if len(seeds) == 1
        else f"seeds {' → '.join(str(phase.recipe.seed) for phase in cell.phases)}"
    ]


def _variant(run: Run) -> list[str]:
    variant = run.goals[0].data.variant
    return [f"rows {variant}"] if variant else []


def _languages(count: int) -> str:
    return f"{count} language" if count == 1 else f"{count} languages"


def _short(metric: str) -> str:
    return SHORT.get(metric, metric)


def _number(value: float | None, metric: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if METRICS[metric].scale == 100 else f"{value:.3f}"


def _paired_gain(found: Scored, baseline: Scored, language: str, metric: str) -> str:
    gain = _gain(found.value(language, metric), baseline.value(language, metric), metric)
    return gain if gain == "–" else f"{gain} ± {_number(paired_error(found, baseline, language, metric), metric)}"


def _gain(value: float | None, base: float | None, metric: str) -> str:
    """How much better, whatever the metric's direction."""
    if value is None or base is None:
        return "–"
    gain = value - base if METRICS[metric].higher else base - value
    text = _number(gain, metric)
    return _number(0.0, metric) if float(text) == 0 else f"+{text}" if gain > 0 else text
