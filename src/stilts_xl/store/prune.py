"""What nobody needs: weights, of which the record stays, and what killed processes left half written."""

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from stilts_xl.core.stage import Stage, Train
from stilts_xl.store.files import write_atomically
from stilts_xl.store.lock import claim
from stilts_xl.store.store import completed, lock_file, records, stage_folder

WEIGHTS = "model.safetensors"
MARK = "pruned"
TEMPORARY = (".*.????????", ".tmp??????")
"""What ``write_atomically`` and safetensors call a file until it is whole."""
OF_A_TRAINING = ("checkpoint-*", "best-*.safetensors")
"""What only a training that is not complete needs."""
UNCLAIMED = ("runs", "calls", "cache")
"""Folders in which everyone writes small files at any time."""
LONG_AGO = 86_400.0
"""Seconds, by the file system's clock, after which nobody is still writing a small file."""


def is_pruned(folder: Path) -> bool:
    """Whether a stage's weights were freed and have not been made again."""
    return (folder / MARK).is_file() and not (folder / WEIGHTS).is_file()


def idle(stages: Iterable[Stage], missing: Iterable[Stage], workspace: Path) -> list[Train]:
    """The complete trainings among stages that stand under others, none of which is missing."""
    known = list(stages)
    needed = {_below(stage) for stage in missing}
    used = {_below(stage) for stage in known}
    return [
        stage
        for stage in known
        if isinstance(stage, Train) and stage in used - needed and completed(workspace, stage) is not None
    ]


def _below(stage: Stage) -> object:
    return stage.start if isinstance(stage, Train) else stage.model


def prune(workspace: Path, stage: Train) -> int:
    """Delete a stage's weights; the bytes freed, 0 where somebody holds the stage. The next need makes them again."""
    held = claim(lock_file(workspace, stage), f"prune {stage.data.task}")
    if held is None:
        return 0
    try:
        folder = stage_folder(workspace, stage)
        size = (folder / WEIGHTS).stat().st_size
        write_atomically(
            folder / MARK, "stilts cache prune freed the weights; they are made again when they are needed\n"
        )
        (folder / WEIGHTS).unlink()
        return size
    finally:
        held.release()


def clear_leftovers(folder: Path) -> int:
    """Delete what killed processes left half written in a stage's folder; the bytes freed. Finished checkpoints stay.

    For who holds the claim on the stage: of anybody else's files one may still be written.
    """
    return _delete(folder, (*TEMPORARY, "*.building"))


def clear_workspace(workspace: Path) -> int:
    """Delete all leftovers of a workspace but those of stages that somebody holds; the bytes freed.

    That is what ``clear_leftovers`` deletes, the checkpoints of complete stages, and temporary files elsewhere that
    nobody has touched for a day.
    """
    freed = 0
    for folder, record in records(workspace):
        held = claim(workspace / "locks" / f"{folder.name}.lock", f"clear {folder.name}")
        if held is None:
            continue
        with held:
            freed += clear_leftovers(folder)
            if record is not None and completed(workspace, record.stage) is not None:
                freed += _delete(folder, OF_A_TRAINING)
    return freed + sum(_delete_old(workspace / name) for name in UNCLAIMED)


def _delete(folder: Path, patterns: Iterable[str], older_than: float = float("inf")) -> int:
    """Delete what matches and was last touched before a time; the bytes freed."""
    freed = 0
    for path in [path for pattern in patterns for path in folder.glob(pattern) if path.lstat().st_mtime < older_than]:
        freed += sum(inner.lstat().st_size for inner in (path, *path.rglob("*")) if not inner.is_dir())
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return freed


def _delete_old(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    with tempfile.TemporaryFile(dir=folder) as probe:
        now = os.fstat(probe.fileno()).st_mtime
    return _delete(folder, TEMPORARY, now - LONG_AGO)
