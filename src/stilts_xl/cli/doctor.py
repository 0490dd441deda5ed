"""stilts doctor: versions, devices, workspace, data and network, and what to do about what is missing."""

from pathlib import Path
from typing import Annotated

import typer

from stilts_xl.cli.options import Offline, Workspace, go_offline, was_offline


def doctor(
    workspace: Workspace = "outputs",
    root: Annotated[str, typer.Option(help="a folder of official downloads to look into")] = "",
    offline: Offline = False,
) -> None:
    """Say what works here. Exit 1 where a run could not."""
    go_offline(offline)
    from stilts_xl.core.errors import Mistake, StiltsError
    from stilts_xl.store.record import provenance
    from stilts_xl.store.store import require_writable

    facts = provenance({})
    typer.echo("  ".join(f"{name} {version or 'not installed'}" for name, version in facts["versions"].items()))
    typer.echo(facts["platform"])
    wrong = [name for name, version in facts["versions"].items() if not version]
    _devices()
    try:
        require_writable(Path(workspace))
        typer.echo(f"✓ workspace {Path(workspace).resolve()} can be written")
    except Mistake as error:
        typer.echo(f"✗ {error}")
        wrong.append("workspace")
    if root:
        wrong += _root(Path(root))
    typer.echo(_sample(workspace))
    typer.echo(_network(offline or was_offline()))
    if wrong:
        raise StiltsError(f"a run would fail here: {', '.join(wrong)}")


def _devices() -> None:
    import os

    import torch

    typer.echo(f"✓ CPU: {os.cpu_count()} processors, torch uses {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            typer.echo(
                f"✓ CUDA {index}: {torch.cuda.get_device_name(index)}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
            )
    else:
        typer.echo("– no CUDA device: trainings run in fp32 on the CPU")


def _root(root: Path) -> list[str]:
    from stilts_xl.data.sources import Found, locate
    from stilts_xl.data.wanted import splits_of_tasks
    from stilts_xl.tasks.catalog import all_tasks

    if not root.is_dir():
        typer.echo(f"✗ {root} is not a folder")
        return ["data root"]
    found: dict[str, int] = {}
    for task, split, language, _ in splits_of_tasks():
        here = isinstance(locate(all_tasks()[task], split, language, root), Found)
        found[f"{task} {split}"] = found.get(f"{task} {split}", 0) + here
    typer.echo("✓ files: " + ", ".join(f"{name} {count}" for name, count in found.items()))
    return []


def _sample(workspace: str) -> str:
    """Where data=sample has its rows, or will have them."""
    from stilts_xl.config.compose import compose_run
    from stilts_xl.config.place import build_place
    from stilts_xl.core.errors import Mistake
    from stilts_xl.data.sample import can_be_written, is_unwritten

    try:
        place = build_place(compose_run(["data=sample"])["data"], workspace, offline=True)
    except Mistake as error:
        return f"– no sample data (data=sample): {error}"
    if not is_unwritten(place):
        return f"✓ sample data (data=sample): invented rows, here in {place.root}"
    if can_be_written(place):
        return f"✓ sample data (data=sample): invented rows, on first use written into {place.root}"
    return f"– no sample data (data=sample): {place.root} cannot be written; STILTS_CACHE=DIR names another folder"


def _network(offline: bool) -> str:
    if offline:
        return "– offline: the Hub is not asked"
    from stilts_xl.data.hub import ENDPOINT, hub_silence

    if silence := hub_silence():
        return f"– the Hub ({ENDPOINT}) does not answer ({silence}): use data=local or data=sample, and model.path=DIR"
    return f"✓ the Hub ({ENDPOINT}) answers"
