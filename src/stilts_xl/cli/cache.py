"""stilts cache: the finished stages of a workspace, and whether their bytes are still what they were."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.options import Workspace

if TYPE_CHECKING:
    from stilts_xl.store.record import Record

app = typer.Typer(help="Look after the workspace.", no_args_is_help=True)


@app.command("ls")
def ls(workspace: Workspace = "outputs") -> None:
    """List the stages with their size, duration and age."""
    from stilts_xl.core.stage import Train
    from stilts_xl.store.prune import WEIGHTS, is_pruned

    total = 0
    found = _stages(workspace)
    width = max(len(folder.name) for folder, _ in found)
    for folder, record in found:
        if record is None:
            steps = sorted(path.name for path in folder.glob("checkpoint-???????"))
            typer.echo(f"{folder.name:<{width}}  not finished{', resumable at ' + steps[-1] if steps else ''}")
            continue
        pruned = is_pruned(folder)
        size = sum(kept.bytes for name, kept in record.files.items() if not (pruned and name == WEIGHTS))
        total += size
        what = "train" if isinstance(record.stage, Train) else "predict"
        when = datetime.fromisoformat(record.provenance["finished"]).astimezone()
        typer.echo(
            f"{record.slug:<{width}}  {what:<7}{_size(size):>11}{record.facts['seconds']:>9.1f} s"
            f"  {when:%Y-%m-%d %H:%M}{'  pruned' if pruned else ''}"
        )
    typer.echo(f"{_size(total)} in all")


@app.command("verify")
def verify(workspace: Workspace = "outputs") -> None:
    """Compare every byte of the finished stages with their records."""
    from stilts_xl.core.errors import StiltsError
    from stilts_xl.run.drift import drifted
    from stilts_xl.store.prune import WEIGHTS, is_pruned
    from stilts_xl.store.record import NAME
    from stilts_xl.store.store import faults

    good, bad = 0, 0
    changed: dict[str, list[str]] = {}
    for folder, record in _stages(workspace):
        if record is None:
            if (folder / NAME).exists():
                bad += 1
                typer.echo(f"✗ {folder.name}: {NAME} is not readable")
            continue
        found = [fault for fault in faults(folder, record) if not (is_pruned(folder) and fault.file == WEIGHTS)]
        good, bad = good + (not found), bad + bool(found)
        for fault in found:
            typer.echo(f"✗ {fault.slug}: {fault.file}: {fault.found}")
        for name in drifted(record):
            changed.setdefault(name, []).append(record.slug)
    for name, slugs in changed.items():
        made = f"{slugs[0]} and {len(slugs) - 1} more were made" if len(slugs) > 1 else f"{slugs[0]} was made"
        typer.echo(f"! the code of {name} has changed since {made}; the bytes are as they were")
    typer.echo(f"{good} of {good + bad} stages verified")
    if bad:
        raise StiltsError(
            f"{bad} {'stage is' if bad == 1 else 'stages are'} damaged; the next run that needs them makes them again"
        )


@app.command("prune")
def prune(
    workspace: Workspace = "outputs",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="show what would be freed and stop")] = False,
) -> None:
    """Free the weights that nothing is waiting for. The next need makes the same bytes again."""
    from stilts_xl.core.study import stages
    from stilts_xl.run.plan import missing
    from stilts_xl.store.prune import WEIGHTS, clear_workspace, idle
    from stilts_xl.store.prune import prune as free
    from stilts_xl.store.runs import kept_runs
    from stilts_xl.store.store import completed, stage_folder

    place = Path(workspace)
    _stages(workspace)
    goals = [goal for run in kept_runs(place) for goal in run.goals]
    total = 0 if dry_run else clear_workspace(place)
    if total:
        typer.echo(f"{_size(total)} of checkpoints and half-written files that killed processes left")
    for stage in idle(stages(goals), missing(goals, lambda stage: completed(place, stage)), place):
        folder = stage_folder(place, stage)
        size = (folder / WEIGHTS).stat().st_size if dry_run else free(place, stage)
        total += size
        typer.echo(f"{'○' if size else '–'} {folder.name:<30} {_size(size) if size else 'in use, left alone'}")
    typer.echo(f"{_size(total)} {'would be freed' if dry_run else 'freed'}")


def _stages(workspace: str) -> "list[tuple[Path, Record | None]]":
    """Every stage folder; Mistake where there is none."""
    from stilts_xl.core.errors import Mistake
    from stilts_xl.store.store import records

    found = list(records(Path(workspace)))
    if not found:
        raise Mistake(f"{workspace} holds no stages; stilts run makes some, -w names another workspace")
    return found


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"
