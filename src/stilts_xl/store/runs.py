"""What was asked of a workspace: one small file a chain, so that reports know which predictions belong together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_xl.core.identity import canonical, digest, restore
from stilts_xl.core.stage import Predict
from stilts_xl.core.study import Cell, Phase
from stilts_xl.store.files import write_atomically
from stilts_xl.store.record import STAGE_CLASSES

CLASSES = STAGE_CLASSES | {cls.__name__: cls for cls in (Cell, Phase)}


@dataclass(frozen=True)
class Run:
    """A chain that was asked for."""

    cell: Cell
    goals: tuple[Predict, ...]
    absent: Mapping[str, tuple[str, ...]]
    """Language -> where its file was looked for."""
    source: str
    """hub, local or sample."""
    limit: int


CLASSES["Run"] = Run


def keep_run(workspace: Path, run: Run) -> str:
    """Remember a run; the same run again is the same file. Its name."""
    name = f"{run.cell.target}-{digest(run)[:8]}"
    text = json.dumps(canonical(run, whole=True), indent=1, ensure_ascii=False)
    path = workspace / "runs" / f"{name}.json"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        path.touch()  # the newest again
    else:
        write_atomically(path, text)
    return name


def kept_runs(workspace: Path) -> tuple[Run, ...]:
    """Every run that was asked of the workspace, oldest first."""
    models: dict[str, Any] = {}
    found = (read_run(path, models) for path in run_files(workspace))
    return tuple(run for run in found if run is not None)


def run_files(workspace: Path) -> list[Path]:
    """The files of all runs, oldest first; their stems are the names of the runs."""
    return sorted((workspace / "runs").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def read_run(path: Path, models: dict[str, Any]) -> Run | None:
    """The run of such a file; None where it says something else.

    ``models``: those of the runs read before, by their text. Goals share them, and so the digests that these keep.
    """
    plain = json.loads(path.read_text(encoding="utf-8"))
    for goal in plain["goals"]:
        text = json.dumps(goal["model"])
        if text not in models:
            models[text] = restore(goal["model"], CLASSES)
        goal["model"] = models[text]
    found = restore(plain, CLASSES)
    return found if isinstance(found, Run) else None
