"""stilts report: tables and tidy rows from the predictions of a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.completion import targets
from stilts_xl.cli.options import Workspace

EXAMPLES = (
    "stilts report",
    "stilts report --target tydiqa --format markdown",
    "stilts report -f csv > scores.csv",
)

if TYPE_CHECKING:
    from stilts_xl.report.collect import Scored
    from stilts_xl.report.tables import Table
    from stilts_xl.store.runs import Run


def report(
    workspace: Workspace = "outputs",
    format: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="table, markdown, csv, latex or json")
    ] = "table",
    target: Annotated[str, typer.Option(metavar="TASK", help="only this target", autocompletion=targets)] = "",
) -> None:
    """Print the tables of a workspace. They are recomputed from its predictions."""
    from stilts_xl.core.errors import Mistake, unknown
    from stilts_xl.report import render
    from stilts_xl.report.collect import collect
    from stilts_xl.store.runs import kept_runs
    from stilts_xl.tasks.catalog import task_named

    if format not in render.FORMATS:
        raise unknown("format", format, render.FORMATS)
    wanted = task_named(target, "target").name if target else ""
    runs = kept_runs(Path(workspace))
    scored = [collect(Path(workspace), run) for run in runs if wanted in ("", run.cell.target)]
    scored = [found for found in scored if found.scores or found.unlabelled]
    if not scored:
        raise Mistake(
            f"{workspace} holds no predictions{' of ' + wanted if wanted else ''}; stilts run makes some, -w names another workspace"
        )
    if format in ("csv", "json"):
        rows = [score for found in scored for score in found.scores]
        for found in scored:
            if found.unlabelled:
                typer.echo(
                    f"no rows of {found.run.cell.target} in {', '.join(found.unlabelled)}: labels hidden by the publisher",
                    err=True,
                )
        typer.echo(render.rows_as_csv(rows) if format == "csv" else render.rows_as_json(rows), nl=False)
        return
    tables = [_table(found, Path(workspace), runs) for found in scored]
    if format == "table":
        print_tables(tables)
    else:
        typer.echo(render.markdown(tables) if format == "markdown" else render.latex(tables), nl=False)


def print_run(run: "Run", workspace: Path) -> None:
    """Print one run's table, with its gain over the same chain without an intermediate task where that is here."""
    from stilts_xl.report.collect import collect, require_scores
    from stilts_xl.store.runs import kept_runs

    found = collect(workspace, run)
    require_scores(found)
    typer.echo()
    print_tables([_table(found, workspace, kept_runs(workspace))])


def _table(found: "Scored", workspace: Path, runs: "tuple[Run, ...]") -> "Table":
    from stilts_xl.report.collect import baseline_of, collect
    from stilts_xl.report.tables import language_table

    baseline = baseline_of(found.run, runs)
    other = collect(workspace, baseline) if baseline is not None else None
    return language_table(found, other if other is not None and other.scores else None)


def print_tables(tables: "list[Table]") -> None:
    """Print tables, in colours on a terminal."""
    import sys

    from rich.console import Console

    from stilts_xl.report import render

    if not sys.stdout.isatty():
        typer.echo(render.plain(tables), nl=False)
        return
    console = Console(highlight=False)
    for number, table in enumerate(tables):
        if number:
            console.print()
        render.draw(table, console)
