"""A grid's tables on the terminal, and its gains as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stilts_xl.store.runs import Run

PICTURES = (".png", ".svg", ".pdf")


def require_plotting(plot: str) -> None:
    """Raise Mistake, before anything is made, where a picture could not be drawn afterwards."""
    from importlib.util import find_spec

    from stilts_xl.core.errors import Mistake

    if plot and Path(plot).suffix not in PICTURES:
        raise Mistake(f"--plot {plot}: expected a file that ends in {', '.join(PICTURES)}")
    if plot and find_spec("matplotlib") is None:
        raise Mistake("--plot: matplotlib is not installed\npip install 'stilts-xl[plot]'")


def report_grid(asked: "list[Run]", workspace: Path, plot: str) -> None:
    """Print the tables of runs that make a grid, and draw their gains where ``plot`` names a file."""
    from stilts_xl.cli.report import print_tables
    from stilts_xl.report.collect import collect
    from stilts_xl.report.grid import grid_gains, grid_tables

    found = [collect(workspace, run) for run in asked]
    tables = grid_tables(found)
    if tables:
        typer.echo()
        print_tables(tables)
    gains = [one for one in grid_gains(found) if one.rows]
    if not plot:
        return
    if not gains:
        typer.echo(f"nothing to draw to {plot}: no cell with an intermediate task is here", err=True)
        return
    from stilts_xl.report.picture import draw_gains

    Path(plot).parent.mkdir(parents=True, exist_ok=True)
    draw_gains(gains, Path(plot))
    typer.echo(f"the gains are drawn in {plot}")
