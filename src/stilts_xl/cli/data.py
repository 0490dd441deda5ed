"""stilts data: what files a run needs, where they were looked for, and what is wrong with them."""

from typing import TYPE_CHECKING

import typer

from stilts_xl.cli.options import Offline, Overrides, Workspace, go_offline, was_offline

if TYPE_CHECKING:
    from stilts_xl.core.place import DataPlace

app = typer.Typer(help="Look at the data.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Look at the data."""


@app.command("check")
def check(overrides: Overrides = None, workspace: Workspace = "outputs", offline: Offline = False) -> None:
    """Read every row that a run needs, and say what is there and what is wrong. Without a target: every task's rows."""
    go_offline(offline)
    from stilts_xl.config.build import NO_TASK, build_place, build_request
    from stilts_xl.config.compose import compose_run
    from stilts_xl.core.errors import Mistake
    from stilts_xl.data.wanted import splits_of_request, splits_of_tasks

    composed = compose_run(overrides or [])
    if composed["target"]["task"] in NO_TASK:
        place = build_place(composed["data"], workspace, offline or was_offline())
        wanted = splits_of_tasks()
    else:
        request = build_request(composed, workspace, 0, offline or was_offline())
        place, wanted = request.place, splits_of_request(request)
    typer.echo(f"data: {place.source}{' ' + place.root if place.root else ''}")
    wrong = sum(_check_one(task, split, language, needed, place, workspace) for task, split, language, needed in wanted)
    if wrong:
        raise Mistake(f"{wrong} of {len(wanted)} splits cannot be used; what is wrong stands beside each")


def _check_one(task_name: str, split: str, language: str, needed: bool, place: "DataPlace", workspace: str) -> bool:
    """Print a line about a split; whether it stands in the way of a run."""
    from pathlib import Path

    from stilts_xl.core.errors import StiltsError
    from stilts_xl.data.examples import load
    from stilts_xl.data.sources import Absent, pin
    from stilts_xl.store.digests import remembering
    from stilts_xl.tasks.catalog import task_named

    task, name = task_named(task_name), f"{task_name:<8} {split:<10} {language:<2} "
    try:
        data = pin(task, split, language, place, 0, remembering(Path(workspace) / "cache" / "digests.json"))
        if isinstance(data, Absent):
            typer.echo(f"{'✗' if needed else '–'} {name} no file, looked for {' or '.join(data.looked)}")
            return needed
        loaded = load(task, data, place)
    except StiltsError as error:
        typer.echo(f"✗ {name} {error}")
        return True
    notes = [f"{len(loaded.examples):,} examples"]
    notes += [f"{loaded.excluded:,} rows without a majority label left out"] if loaded.excluded else []
    notes += [f"{loaded.moved:,} answers re-located"] if loaded.moved else []
    notes += [f"{loaded.unlabelled:,} without gold"] if loaded.unlabelled else []
    typer.echo(f"✓ {name} {', '.join(notes)}  {loaded.origin.removeprefix(place.root + '/')}")
    return False
