"""stilts data: what files a run needs, where they were looked for, what is wrong with them; and how to come by them."""

from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.completion import fetched
from stilts_xl.cli.options import Offline, Overrides, Workspace, go_offline, was_offline
from stilts_xl.cli.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

    from stilts_xl.core.place import DataPlace
    from stilts_xl.core.task import Task
    from stilts_xl.data.fetch import Outcome, Repository

SHOWN = 6

app = typer.Typer(help="Look at the data, or fetch them.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Look at the data, or fetch them."""


@app.command("check")
def check(overrides: Overrides = None, workspace: Workspace = "outputs", offline: Offline = False) -> None:
    """Read every row that a run needs, and say what is wrong. Without a target: every task's rows."""
    go_offline(offline)
    from stilts_xl.cli.sample import prepare_sample, sample_of
    from stilts_xl.config.build import NO_TASK, build_request
    from stilts_xl.config.compose import compose_run
    from stilts_xl.config.place import build_place
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
    if made := sample_of(place):
        typer.echo(f"sample data: {made}")
    prepare_sample([place])
    width = max(8, *(len(task) for task, *_ in wanted))
    wrong = sum(_check_one(*part, place, workspace, width) for part in wanted)
    if wrong:
        raise Mistake(
            f"{wrong} of {len(wanted)} splits cannot be used; what is wrong stands beside each\n"
            "stilts show task NAME says where its files come from"
        )


def _check_one(
    task_name: str, split: str, language: str, needed: bool, place: "DataPlace", workspace: str, width: int
) -> bool:
    """Print a line about a split; whether it stands in the way of a run."""
    from pathlib import Path

    from stilts_xl.core.errors import StiltsError
    from stilts_xl.data.examples import load
    from stilts_xl.data.sources import Absent, pin
    from stilts_xl.store.digests import remembering
    from stilts_xl.tasks.catalog import task_named

    task, name = task_named(task_name), f"{task_name:<{width}} {split:<10} {language:<2} "
    try:
        data = pin(task, split, language, place, 0, remembering(Path(workspace) / "cache" / "digests.json"))
        if isinstance(data, Absent):
            say(f"{'✗' if needed else '–'} {name} ", f"no file, looked for {' or '.join(data.looked)}")
            return needed
        loaded = load(task, data, place)
    except StiltsError as error:
        say(f"✗ {name} ", str(error))
        return True
    notes = [f"{len(loaded.examples):,} examples"]
    notes += [f"{loaded.excluded:,} rows left out, as the official set does"] if loaded.excluded else []
    notes += [f"{loaded.moved:,} answers re-located"] if loaded.moved else []
    notes += [f"{loaded.unlabelled:,} without gold"] if loaded.unlabelled else []
    say(f"✓ {name} ", f"{', '.join(notes)}  {loaded.origin.removeprefix(place.root + '/')}")
    return False


@app.command("fetch")
def fetch(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK|data.root=DIR", help="tasks, and the folder to put their data into", autocompletion=fetched
        ),
    ] = None,
    workspace: Workspace = "outputs",
    offline: Offline = False,
) -> None:
    """Download the data of tasks from the Hub, and verify them. What is there is not fetched again."""
    from shlex import quote

    from stilts_xl.core.errors import Interrupted, Mistake
    from stilts_xl.data.fetch import repositories

    tasks, root = _asked(words or [])
    wanted = repositories(tasks)
    if offline or was_offline():
        raise Mistake("data fetch asks the Hub, which --offline and HF_HUB_OFFLINE forbid\nleave them out this once")
    _require_folder(root)
    try:
        outcomes = [_fetch_one(repository, root, workspace) for repository in wanted]
    except KeyboardInterrupt:
        raise Interrupted("stopped; what was fetched is kept, and the same command goes on with the rest") from None
    files = [file for outcome in outcomes for file in outcome.files]
    new = [file for file in files if not file.here]
    size = sum(file.bytes for file in new) / 1e6
    typer.echo(f"✓ {len(new)} files fetched ({size:,.1f} MB), {len(files) - len(new)} here before, in {root / 'hub'}")
    typer.echo(f"next: stilts run target={tasks[0].name} data=local data.root={quote(str(root))}")


def _asked(words: list[str]) -> "tuple[list[Task], Path]":
    """The tasks and the data root of a call of fetch; Mistake where either is missing."""
    from pathlib import Path

    from stilts_xl.core.errors import Mistake, unknown
    from stilts_xl.data.fetch import fetchable
    from stilts_xl.tasks.catalog import task_named

    names = [word for word in words if "=" not in word]
    settings = [word.partition("=") for word in words if "=" in word]
    for key, _, value in settings:
        if key not in ("data", "data.root"):
            raise unknown("setting of data fetch", key, ["data.root"])
        if key == "data" and value != "local":
            made = "sample data are invented and made here, when a run first reads them; " if value == "sample" else ""
            raise Mistake(f"data={value}: {made}data fetch makes a folder for data=local data.root=DIR")
    roots = [value for key, _, value in settings if key == "data.root" and value]
    tasks = list({task.name: task for task in map(task_named, names)}.values())
    if not tasks:
        raise Mistake(f"data fetch needs the tasks whose data to fetch\nthere are: {', '.join(fetchable())}")
    if len(roots) != 1:
        raise Mistake(
            f"data fetch needs one folder to put the data into: stilts data fetch {tasks[0].name} data.root=DIR"
        )
    return tasks, Path(roots[0]).expanduser().resolve()


def _require_folder(root: "Path") -> None:
    import os

    from stilts_xl.core.errors import Mistake

    try:
        (root / "hub").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"data.root={root} cannot be written: {error.strerror}") from None
    if not os.access(root / "hub", os.W_OK):
        raise Mistake(f"data.root={root} cannot be written: no permission for {root / 'hub'}")


def _fetch_one(repository: "Repository", root: "Path", workspace: str) -> "Outcome":
    """Fetch a repository's files, with a line for each as it arrives."""
    from pathlib import Path

    from stilts_xl.config.place import LOCK
    from stilts_xl.data.fetch import fetch
    from stilts_xl.data.hub import commit_of

    commit = commit_of("dataset", repository.repo, repository.revision, str(Path(workspace) / LOCK), offline=False)
    typer.echo(f"{repository.repo} at {commit[:8]}")
    outcome = fetch(
        repository,
        commit,
        root,
        lambda file: typer.echo(f"  ✓ {file.path}  {'here before' if file.here else f'{file.bytes:,} bytes'}"),
    )
    if outcome.absent:
        more = f" and {len(outcome.absent) - SHOWN} more" if len(outcome.absent) > SHOWN else ""
        typer.echo(f"  – not in the repository: {', '.join(' '.join(part) for part in outcome.absent[:SHOWN])}{more}")
    if outcome.replaced:
        typer.echo(f"  – nothing reads the files of another commit any more: {outcome.replaced}")
    return outcome
