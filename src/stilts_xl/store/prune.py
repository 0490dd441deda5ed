"""Weights that nobody needs: freed, while the record of what they were stays."""

from collections.abc import Iterable
from pathlib import Path

from stilts_xl.core.stage import Stage, Train
from stilts_xl.store.files import write_atomically
from stilts_xl.store.lock import claim
from stilts_xl.store.store import completed, lock_file, stage_folder

WEIGHTS = "model.safetensors"
MARK = "pruned"


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
