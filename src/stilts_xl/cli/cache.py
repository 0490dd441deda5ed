"""stilts cache: the finished stages of a workspace, and whether their bytes are still what they were."""

from pathlib import Path

import typer

from stilts_xl.cli.options import Workspace

app = typer.Typer(help="Look after the workspace.", no_args_is_help=True)


@app.command("ls")
def ls(workspace: Workspace = "outputs") -> None:
    """List the stages with their size, duration and age."""
    from stilts_xl.core.stage import Train
    from stilts_xl.store.store import records

    total = 0
    for folder, record in records(Path(workspace)):
        if record is None:
            steps = sorted(path.name for path in folder.glob("checkpoint-???????"))
            typer.echo(f"{folder.name:<30} not finished{', resumable at ' + steps[-1] if steps else ''}")
            continue
        size = sum(kept.bytes for kept in record.files.values())
        total += size
        what = "train" if isinstance(record.stage, Train) else "predict"
        typer.echo(
            f"{record.slug:<30} {what:<8}{size / 1e6:>10.1f} MB  {record.facts['seconds']:>8.1f} s  {record.provenance['finished']}"
        )
    typer.echo(f"{total / 1e6:.1f} MB in all")


@app.command("verify")
def verify(workspace: Workspace = "outputs") -> None:
    """Read every byte of every finished stage and compare it with its record."""
    from stilts_xl.core.errors import StiltsError
    from stilts_xl.run.drift import drifted
    from stilts_xl.store.record import NAME
    from stilts_xl.store.store import faults, records

    good, bad = 0, 0
    for folder, record in records(Path(workspace)):
        if record is None:
            if (folder / NAME).exists():
                bad += 1
                typer.echo(f"✗ {folder.name}: {NAME} is not readable")
            continue
        found = faults(folder, record)
        good, bad = good + (not found), bad + bool(found)
        for fault in found:
            typer.echo(f"✗ {fault.slug}: {fault.file}: {fault.found}")
        for name in drifted(record):
            typer.echo(f"! {record.slug}: the code of {name} has changed since; its bytes are as they were")
    typer.echo(f"{good} of {good + bad} stages verified")
    if bad:
        raise StiltsError(f"{bad} stages are damaged; the next run that needs them makes them again")
