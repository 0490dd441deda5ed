"""What was asked of a workspace: one small file a chain, so that reports know which predictions belong together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def keep_run(workspace: Path, run: Run) -> None:
    """Remember a run; the same run again is the same file."""
    path = workspace / "runs" / f"{run.cell.target}-{digest(run)[:8]}.json"
    write_atomically(path, json.dumps(canonical(run, whole=True), indent=1, ensure_ascii=False))


def kept_runs(workspace: Path) -> tuple[Run, ...]:
    """Every run that was asked of the workspace, oldest first."""
    files = sorted((workspace / "runs").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    found = [restore(json.loads(path.read_text(encoding="utf-8")), CLASSES) for path in files]
    return tuple(run for run in found if isinstance(run, Run))
