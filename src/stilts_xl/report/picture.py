"""The gains of a grid as a picture: one heat map a model, with everything a reader must know below it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stilts_xl.metrics.scores import METRICS, mean
from stilts_xl.report.grid import Gains, full_colour
from stilts_xl.report.tables import SHORT
from stilts_xl.tasks.catalog import task_named

INCHES = 0.55
"""Of a cell."""
DARK = 0.6
"""Share of the gain with the fullest colour above which a number is written in white."""


def draw_gains(found: Sequence[Gains], path: Path) -> None:
    """Write a PNG (or what else the file's ending says) of the gains. Raises OSError where it cannot be written."""
    widest = max(len(gains.targets) for gains in found)
    rows = sum(len(gains.rows) + 3 for gains in found)
    figure = Figure(figsize=(2.6 + INCHES * 1.6 * widest, INCHES * rows), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    heights = [len(gains.rows) for gains in found]
    axes = figure.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, gains in zip(axes, found, strict=True):
        _draw(axis, gains)
    figure.savefig(path)


def _draw(axis: Axes, gains: Gains) -> None:
    means = [[mean(list(values.values())) if values else float("nan") for values in row] for row in gains.values]
    matrix = np.array(means, dtype=float)
    fullest = full_colour(matrix[np.isfinite(matrix)].tolist())
    axis.imshow(np.ma.masked_invalid(matrix), cmap="RdBu", vmin=-fullest, vmax=fullest, aspect="auto")
    axis.set_facecolor("0.9")
    axis.set_xticks(range(len(gains.targets)), [_label(target) for target in gains.targets])
    axis.set_yticks(range(len(gains.rows)), gains.rows)
    axis.tick_params(length=0, labeltop=True, labelbottom=False)
    for side in axis.spines.values():
        side.set_visible(False)
    for row, values in enumerate(gains.values):
        for column, by_seed in enumerate(values):
            if by_seed:
                _write(axis, row, column, matrix[row, column], list(by_seed.values()), fullest)
    axis.set_title(f"{gains.model}: gain over no intermediate task, average over languages", fontsize=11, pad=12)
    axis.set_xlabel(
        "\n".join((*gains.footer, f"fullest colours from ±{fullest:.1f} on")),
        fontsize=6.5,
        color="0.35",
        labelpad=8,
        wrap=True,
    )


def _write(axis: Axes, row: int, column: int, value: float, seeds: list[float], fullest: float) -> None:
    text = f"{value:+.1f}" if round(value, 1) else "0.0"
    if len(seeds) > 1:
        text += f"\n± {np.std(seeds, ddof=1):.1f}"
    colour = "white" if abs(value) > DARK * fullest else "black"
    axis.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def _label(target: str) -> str:
    name = task_named(target).metrics[0]
    return f"{target}\n{SHORT.get(name, name)} {'↑' if METRICS[name].higher else '↓'}"
