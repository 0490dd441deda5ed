"""stilts doctor: what works here, and for what does not, what to do about it."""

from pathlib import Path
from typing import Annotated

import typer

from stilts_xl import __version__
from stilts_xl.cli.options import Offline, Workspace, go_offline, was_offline
from stilts_xl.cli.terminal import say

LABEL = 22
"""Columns of a sign and what is looked at."""
EXTRAS = {
    "ray": ("compute=ray", "ray", "a grid on Ray, on this machine or on a cluster"),
    "slurm": ("compute=slurm", "submitit", "a grid on a Slurm cluster"),
    "plot": ("sweep --plot", "matplotlib", "gains as a picture"),
    "tensorboard": ("tracker=tensorboard", "tensorboard", "training curves"),
    "wandb": ("tracker=wandb", "wandb", "training curves"),
    "mlflow": ("tracker=mlflow", "mlflow", "training curves"),
}
"""Extra of the package -> what it makes possible as it is typed, the module that must be there, and what that is for."""
FIRST = "stilts run intermediate=squad target=tydiqa model=mini data=sample protocol=sample"
"""A chain that needs no network."""


def doctor(
    workspace: Workspace = "outputs",
    root: Annotated[str, typer.Option(metavar="DIR", help="a folder of official downloads to look into")] = "",
    offline: Offline = False,
) -> None:
    """Say what works here, and what to do about the rest. Exit 1 where a run could not work."""
    go_offline(offline)
    from stilts_xl.config.folder import describe
    from stilts_xl.core.errors import StiltsError

    wrong = [*_packages(), *_devices(), *_workspace(Path(workspace))]
    _tell("–" if (network := _network(offline or was_offline())) else "✓", "data=hub", network or "the Hub answers")
    wrong += _root(root)
    sample = _sample(workspace)
    _tell("✓", "model=mini", describe("model", "mini"))
    _extras()
    if wrong:
        raise StiltsError(f"a run would fail here: {', '.join(wrong)}")
    if sample:
        typer.echo()
        say("try", FIRST, 5)


def _tell(sign: str, label: str, text: str) -> None:
    say(f"{sign} {label}", text, LABEL)


def _packages() -> list[str]:
    """A line for each package that a run needs; the names of those that are not there."""
    from stilts_xl.store.record import PACKAGES, provenance

    facts = provenance({})
    versions = facts["versions"] | {PACKAGES[0]: __version__}
    _tell(" ", "python", f"{versions['python']} on {facts['platform']}")
    for name in PACKAGES:
        found = versions.get(name)
        _tell("✓" if found else "✗", name, found or f"not installed: pip install {name}")
    return [name for name in PACKAGES if name not in versions]


def _devices() -> list[str]:
    import os

    try:
        import torch
    except (ImportError, OSError) as error:
        _tell("✗", "CPU", f"torch cannot be imported: {error}")
        return ["torch"]
    _tell("✓", "CPU", f"{os.cpu_count()} processors, torch uses {torch.get_num_threads()} threads")
    if not torch.cuda.is_available():
        _tell("–", "CUDA", "no device: trainings run in fp32 on the CPU")
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        _tell("✓", f"CUDA {index}", f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    return []


def _workspace(workspace: Path) -> list[str]:
    from stilts_xl.core.errors import Mistake
    from stilts_xl.store.store import require_writable

    try:
        require_writable(workspace)
    except Mistake as error:
        _tell("✗", "workspace", str(error))
        return ["workspace"]
    _tell("✓", "workspace", f"{workspace.resolve()} can be written")
    return []


def _network(offline: bool) -> str:
    """Why nothing can be fetched from the Hub, or ''."""
    if offline:
        return "offline: the Hub is not asked, and what was fetched before must do"
    from stilts_xl.data.hub import ENDPOINT, hub_silence

    silence = hub_silence()
    return f"{ENDPOINT} does not answer ({silence}): data=local or data=sample, and model.path=DIR" if silence else ""


def _root(root: str) -> list[str]:
    from stilts_xl.data.sources import Found, locate
    from stilts_xl.data.wanted import splits_of_tasks
    from stilts_xl.tasks.catalog import all_tasks

    if not root:
        _tell("–", "data=local", "stilts doctor --root DIR looks into a folder of official downloads")
        return []
    if not Path(root).is_dir():
        _tell("✗", "data=local", f"{root} is not a folder")
        return ["data root"]
    found: dict[str, dict[str, int]] = {}
    for task, split, language, _ in splits_of_tasks():
        counts = found.setdefault(task, {})
        counts[split] = counts.get(split, 0) + isinstance(locate(all_tasks()[task], split, language, Path(root)), Found)
    _tell("✓", "data=local", f"{root} has files, in so many languages:")
    for task, counts in found.items():
        say("", f"{task:<15}" + "  ".join(f"{split} {count}" for split, count in counts.items()), LABEL)
    return []


def _sample(workspace: str) -> bool:
    """Say where data=sample has its rows, or will have them; whether it can be used."""
    from stilts_xl.config.compose import compose_run
    from stilts_xl.config.place import build_place
    from stilts_xl.core.errors import Mistake
    from stilts_xl.data.sample import can_be_written, is_unwritten

    try:
        place = build_place(compose_run(["data=sample"])["data"], workspace, offline=True)
    except Mistake as error:
        _tell("–", "data=sample", " ".join(str(error).splitlines()))
        return False
    usable = not is_unwritten(place) or can_be_written(place)
    if not usable:
        _tell("–", "data=sample", f"{place.root} cannot be written; STILTS_CACHE=DIR names another folder")
    else:
        when = "on first use written into" if is_unwritten(place) else "here in"
        _tell("✓", "data=sample", f"invented rows, offline, {when} {place.root}")
    return usable


def _extras() -> None:
    from importlib.util import find_spec
    from shutil import which

    for extra, (typed, module, purpose) in EXTRAS.items():
        if find_spec(module) is None:
            _tell("–", typed, f"{purpose}: pip install 'stilts-xl[{extra}]'")
        elif extra == "slurm" and which("sbatch") is None:
            _tell("–", typed, f"{purpose}: no sbatch here, so only --dry-run works")
        else:
            _tell("✓", typed, purpose)
