"""stilts sweep: a grid of chains, then its table."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.options import Limit, Offline, Overrides, Workspace, go_offline, was_offline

if TYPE_CHECKING:
    from stilts_xl.run.resolve import Chain
    from stilts_xl.run.runner import Failure
    from stilts_xl.store.runs import Run


def sweep(
    overrides: Overrides = None,
    workspace: Workspace = "outputs",
    limit: Limit = 0,
    offline: Offline = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="run the cells whose data are here, though others lack theirs")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="show what would be made and stop")] = False,
) -> None:
    """Run a grid and print its table. For example: stilts sweep intermediate=none,squad target=xquad,tydiqa seed=1,2."""
    go_offline(offline)
    from stilts_xl.run.plan import missing_stages
    from stilts_xl.store.runs import Run, keep_run
    from stilts_xl.store.store import require_writable

    chains = chains_of(overrides or [], workspace, limit, offline or was_offline(), partial)
    announce(chains, Path(workspace))
    if dry_run:
        return
    require_writable(Path(workspace))
    asked = [Run(chain.cell, chain.goals, chain.absent, chain.site.place.source, limit) for chain in chains]
    for run in asked:
        keep_run(Path(workspace), run)
    goals = tuple(goal for chain in chains for goal in chain.goals)
    failures = _make(chains) if missing_stages(goals, Path(workspace)) else ()
    _report(asked, Path(workspace))
    for failure in failures:
        typer.echo(f"✗ {failure.name}: {failure.message.splitlines()[0]} (blocks {failure.blocked} more)", err=True)
    if failures:
        again = shlex.join(["stilts", *sys.argv[1:]])
        typer.echo(f"{len(failures)} stages failed; what is done is kept. Try them again with: {again}", err=True)
        raise typer.Exit(1)


def chains_of(overrides: list[str], workspace: str, limit: int, offline: bool, partial: bool) -> "list[Chain]":
    """A grid's chains. Raises Mistake, after a line for each reason, where some cannot be made and not ``partial``."""
    from stilts_xl.config.build import build_request
    from stilts_xl.config.sweep import expand
    from stilts_xl.core.errors import Mistake
    from stilts_xl.run.grid import resolve_all

    points = expand(overrides)
    chains, lacking = resolve_all(build_request(point.composed, workspace, limit, offline) for point in points)
    for reason in lacking:
        typer.echo(f"– {reason.splitlines()[0]}", err=True)
    if lacking and not (partial and chains):
        raise Mistake(
            f"{len(points) - len(chains)} of {len(points)} cells lack their data or model\n"
            "put the files there (stilts data check lists them all), or run the others with --partial"
        )
    return chains


def announce(chains: "list[Chain]", workspace: Path) -> None:
    """Print what a grid needs, what of it is here, what is shared most, and what the rest will cost."""
    from collections import Counter

    from stilts_xl.cli.progress import duration
    from stilts_xl.core.stage import Train, slug, trainings
    from stilts_xl.run.estimate import estimate
    from stilts_xl.run.grid import grid_stages
    from stilts_xl.run.plan import plan

    trained = [stage for stage in grid_stages(chains) if isinstance(stage, Train)]
    alone = sum(len(chain.cell.phases) for chain in chains)
    steps = plan(tuple(goal for chain in chains for goal in chain.goals), workspace)
    here = sum(step.state == "here" for step in steps)
    missing = [step.stage for step in steps if step.state == "missing"]
    to_train = sum(isinstance(stage, Train) for stage in missing)
    typer.echo(
        f"{len(chains)} {'cell' if len(chains) == 1 else 'cells'}: {len(trained)} trainings ({alone} one by one), {len(steps) - len(trained)} predictions"
    )
    users = Counter(stage for chain in chains for stage in trainings(chain.goals[0]))
    shared = [f"{slug(stage)} by {count}" for stage, count in users.most_common(3) if count > 1]
    if shared:
        typer.echo(f"shared most: {', '.join(shared)} cells")
    typer.echo(f"{here} of {len(steps)} stages here, {to_train} to train, {len(missing) - to_train} to predict")
    cost = estimate(missing, workspace)
    if cost.unknown < len(missing):
        rest = f"; nothing here is like {cost.unknown} of them" if cost.unknown else ""
        typer.echo(f"about {duration(cost.seconds)} one after another and {cost.bytes / 1e9:,.2f} GB of disk{rest}")


def _make(chains: "list[Chain]") -> "tuple[Failure, ...]":
    from stilts_xl.cli.interrupt import graceful
    from stilts_xl.cli.progress import show, stderr
    from stilts_xl.core.errors import Interrupted
    from stilts_xl.run.grid import todo_of
    from stilts_xl.run.sweep import run_grid

    console = stderr()
    with graceful(console.print) as stopping, show(len(todo_of(chains)), console) as reporter:
        try:
            made = run_grid(chains, reporter, stopping)
        except Interrupted as stop:
            raise Interrupted(f"{stop}\ngo on with: {shlex.join(['stilts', *sys.argv[1:]])}") from None
    typer.echo(f"✓ {made.trained} trained, {made.predicted} predicted")
    return made.failures


def _report(asked: "list[Run]", workspace: Path) -> None:
    from stilts_xl.cli.report import print_tables
    from stilts_xl.report.collect import collect
    from stilts_xl.report.grid import grid_tables

    tables = grid_tables(collect(workspace, run) for run in asked)
    if tables:
        typer.echo()
        print_tables(tables)
