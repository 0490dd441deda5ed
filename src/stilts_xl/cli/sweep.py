"""stilts sweep: a grid of chains, then its table."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.grid_report import report_grid, require_plotting
from stilts_xl.cli.options import GridOverrides, Limit, Offline, Workspace, go_offline, was_offline
from stilts_xl.cli.slurm import print_scripts, submit_grid

EXAMPLES = (
    "stilts sweep intermediate=none,squad target=xquad,tydiqa seed=1,2",
    "stilts sweep intermediate=none,mnli 'target=*qa' data=local data.root=DIR",
    "stilts sweep study=smoke data=sample --plot gains.png",
    "stilts sweep study=xtreme --dry-run",
)

if TYPE_CHECKING:
    from stilts_xl.core.launch import Launch
    from stilts_xl.core.stage import Stage
    from stilts_xl.run.resolve import Chain
    from stilts_xl.run.schedule import Failure
    from stilts_xl.store.runs import Run


MOST_SHARED = 3
"""Of what is shared most, and of the cells that share it, so many are named."""


def sweep(
    overrides: GridOverrides = None,
    workspace: Workspace = "outputs",
    limit: Limit = 0,
    offline: Offline = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="run the cells whose data are here, though others lack theirs")
    ] = False,
    plot: Annotated[
        str, typer.Option("--plot", help="draw the gains to FILE (png, svg, pdf), too", metavar="FILE")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="show what would be made and stop")] = False,
) -> None:
    """Run a grid and print its table. What its chains have in common is made once."""
    go_offline(offline)
    from stilts_xl.run.plan import missing_stages
    from stilts_xl.store.calls import Call, keep_call
    from stilts_xl.store.runs import Run, keep_run
    from stilts_xl.store.store import require_writable

    require_plotting(plot)
    chains, launch = chains_of(overrides or [], workspace, limit, offline or was_offline(), partial)
    announce(chains, Path(workspace))
    todo = missing_stages(tuple(goal for chain in chains for goal in chain.goals), Path(workspace))
    if dry_run:
        if launch.launcher == "slurm":
            print_scripts(todo, chains, launch)
        return
    require_writable(Path(workspace))
    asked = [Run(chain.cell, chain.goals, chain.absent, chain.site.place.source, limit) for chain in chains]
    keep_call(Path(workspace), Call(("stilts", *sys.argv[1:]), tuple(keep_run(Path(workspace), run) for run in asked)))
    if todo and launch.launcher == "slurm":
        submit_grid(todo, chains, launch, Path(workspace))
        return
    failures = make_grid(todo, chains, launch) if todo else ()
    report_grid(asked, Path(workspace), plot)
    if failures:
        tell_failures(failures, asked, Path(workspace))
        raise typer.Exit(1)


def chains_of(
    overrides: list[str], workspace: str, limit: int, offline: bool, partial: bool
) -> "tuple[list[Chain], Launch]":
    """A grid's chains, and where they are made. Raises Mistake, after a line for each reason, where some cannot be made and not ``partial``."""
    from stilts_xl.cli.sample import prepare_sample
    from stilts_xl.config.build import build_request
    from stilts_xl.config.sweep import expand
    from stilts_xl.core.errors import Mistake
    from stilts_xl.run.grid import resolve_all

    points = expand(overrides)
    requests = [build_request(point.composed, workspace, limit, offline) for point in points]
    prepare_sample(request.place for request in requests)
    chains, lacking = resolve_all(requests)
    for reason in lacking:
        typer.echo(f"– {reason.splitlines()[0]}", err=True)
    if lacking and not (partial and chains):
        raise Mistake(
            f"{len(points) - len(chains)} of {len(points)} cells lack their data or model\n"
            "put the files there (stilts data check lists them all), or run the others with --partial"
        )
    return chains, requests[0].launch


def announce(chains: "list[Chain]", workspace: Path) -> None:
    """Print what a grid needs, what of it is here, what is shared most, and what the rest will cost."""
    from stilts_xl.cli.board import duration
    from stilts_xl.core.stage import Train, slug, trainings
    from stilts_xl.run.estimate import estimate
    from stilts_xl.run.plan import plan

    alone = sum(len(chain.cell.phases) for chain in chains)
    steps = plan(tuple(goal for chain in chains for goal in chain.goals), workspace)
    trained = [step for step in steps if isinstance(step.stage, Train)]
    here = sum(step.state == "here" for step in steps)
    missing = [step.stage for step in steps if step.state == "missing"]
    to_train = sum(isinstance(stage, Train) for stage in missing)
    typer.echo(
        f"{len(chains)} {'cell' if len(chains) == 1 else 'cells'}: {len(trained)} trainings ({alone} one by one), {len(steps) - len(trained)} predictions"
    )
    users: dict[Stage, list[str]] = {}
    for chain in chains:
        for stage in trainings(chain.goals[0]):
            users.setdefault(stage, []).append(f"{chain.cell.intermediate} → {chain.cell.target}")
    for shared, cells in sorted(users.items(), key=lambda pair: -len(pair[1]))[:MOST_SHARED]:
        if len(cells) > 1:
            rest = f" and {len(cells) - MOST_SHARED} more" if len(cells) > MOST_SHARED else ""
            typer.echo(f"{slug(shared)} is shared by {len(cells)} cells: {', '.join(cells[:MOST_SHARED])}{rest}")
    typer.echo(f"{here} of {len(steps)} stages here, {to_train} to train, {len(missing) - to_train} to predict")
    cost = estimate(missing, workspace)
    if cost.unknown < len(missing):
        rest = f"; nothing here is like {cost.unknown} of them" if cost.unknown else ""
        typer.echo(f"about {duration(cost.seconds)} one after another and {cost.bytes / 1e9:,.2f} GB of disk{rest}")


def make_grid(todo: "tuple[Stage, ...]", chains: "list[Chain]", launch: "Launch") -> "tuple[Failure, ...]":
    """Make the missing stages under a live board; what failed. Raises Interrupted with the command that goes on."""
    from stilts_xl.cli.interrupt import graceful
    from stilts_xl.cli.progress import show, stderr
    from stilts_xl.core.errors import Interrupted
    from stilts_xl.core.stage import origin
    from stilts_xl.run.estimate import expected
    from stilts_xl.run.runner import run_grid

    console, forecast = stderr(), expected(Path(chains[0].site.workspace))
    sites = {chain.cell.model: chain.site for chain in chains}
    needed = {origin(stage) for stage in todo}
    with graceful(console.print) as stopping, show(todo, console, expected=forecast) as reporter:
        try:
            here = {model: site for model, site in sites.items() if model in needed}
            made = run_grid(todo, here, launch, reporter, stopping)
        except Interrupted as stop:
            raise Interrupted(f"{stop}\ngo on with: {shlex.join(['stilts', *sys.argv[1:]])}") from None
    typer.echo(f"✓ {made.trained} trained, {made.predicted} predicted")
    return made.failures


def tell_failures(failures: "tuple[Failure, ...]", asked: "list[Run]", workspace: Path) -> None:
    """Say of each failed stage why, where its log is and how much it blocks, and then what tries them again."""
    from stilts_xl.store.notes import log_file

    for failure in failures:
        lost = {*failure.blocked}
        cells = sum(any(goal in lost for goal in run.goals) for run in asked)
        blocks = f"blocks {len(lost)} stages of {cells} {'cell' if cells == 1 else 'cells'}; " if lost else ""
        typer.echo(f"✗ {failure.name}: {failure.message.splitlines()[0]}", err=True)
        typer.echo(f"  {blocks}log: {log_file(workspace, failure.name)}", err=True)
    again = shlex.join(["stilts", *sys.argv[1:]])
    stages = "stage" if len(failures) == 1 else "stages"
    typer.echo(
        f"{len(failures)} {stages} failed; what is done is kept. Try only what failed again with: {again}", err=True
    )
