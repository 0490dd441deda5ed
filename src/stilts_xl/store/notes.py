"""What is said of stages that run or failed: small files that any process may read while others write them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a stage is that runs, or ran until its process died."""

    slug: str
    phase: str
    step: int
    total: int
    """0 when nobody counted."""
    loss: float | None
    tokens_per_second: float | None
    where: str
    """The worker, as 'cuda:1'; empty for the process that was called."""
    host: str
    pid: int
    began: float
    """Seconds since the epoch, as its process saw them: for people."""
    seconds: float
    """Since it began, by a clock that does not jump."""


@dataclass(frozen=True)
class Trouble:
    """Why a stage could not be made the last time that it was tried."""

    slug: str
    message: str
    log: str
    """Its log, relative to the workspace."""
    when: str
    """ISO 8601: for people."""


def log_file(workspace: Path, slug: str) -> Path:
    """A stage's log."""
    return workspace / "logs" / f"{slug}.log"


def keep_progress(workspace: Path, progress: Progress) -> None:
    """Say how far a stage is. A disk that is full loses the note, and nothing else."""
    try:
        _write(_note(workspace, "progress", progress.slug), progress)
    except OSError:
        return


def keep_trouble(workspace: Path, trouble: Trouble) -> None:
    """Say why a stage failed. A disk that is full loses the note, and nothing else."""
    try:
        _write(_note(workspace, "failures", trouble.slug), trouble)
    except OSError:
        return


def drop_progress(workspace: Path, slug: str) -> None:
    """The stage no longer runs."""
    _note(workspace, "progress", slug).unlink(missing_ok=True)


def drop_trouble(workspace: Path, slug: str) -> None:
    """The stage is tried again."""
    _note(workspace, "failures", slug).unlink(missing_ok=True)


def read_progress(workspace: Path) -> dict[str, Progress]:
    """Slug -> how far, of every stage that runs or ran until its process died."""
    return {note.slug: note for note in _notes(workspace, "progress", Progress)}


def read_troubles(workspace: Path) -> dict[str, Trouble]:
    """Slug -> why it failed, of every stage whose last trial failed."""
    return {note.slug: note for note in _notes(workspace, "failures", Trouble)}


def _note(workspace: Path, folder: str, slug: str) -> Path:
    return workspace / folder / f"{slug}.json"


def _write(path: Path, note: Progress | Trouble) -> None:
    """Whole for every reader; written by the claim's holder alone, and never needed after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_name(f".{path.stem}.building")
    try:
        building.write_text(json.dumps(asdict(note)), encoding="utf-8")
        building.replace(path)
    except OSError:
        building.unlink(missing_ok=True)
        raise


def _notes(workspace: Path, folder: str, cls: type[T]) -> Iterator[T]:
    for path in sorted((workspace / folder).glob("*.json")):
        try:
            plain: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            yield cls(**plain)
        except (OSError, ValueError, TypeError):  # gone since, or of another version
            continue
