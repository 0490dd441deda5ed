"""The workspace: which stages are complete, where their files are, and whether their bytes are still what they were."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

from stilts_xl.core.errors import Mistake, StiltsError, unknown
from stilts_xl.core.stage import Stage, key, slug
from stilts_xl.store.files import file_digest
from stilts_xl.store.record import NAME, Record, read_record, read_sizes


@dataclass(frozen=True)
class Fault:
    """A file of an artifact that is not as its record says."""

    slug: str
    file: str
    found: str


def stage_folder(workspace: Path, stage: Stage) -> Path:
    """Where a stage's files are, complete or not."""
    return workspace.joinpath("stages", slug(stage))


def lock_file(workspace: Path, stage: Stage) -> Path:
    """The claim on a stage."""
    return workspace / "locks" / f"{slug(stage)}.lock"


def require_writable(workspace: Path) -> None:
    """Make the workspace, or raise Mistake where that cannot be."""
    try:
        (workspace / "stages").mkdir(parents=True, exist_ok=True)
        probe = workspace / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)  # another command may look at the same moment
    except OSError as error:
        raise Mistake(
            f"the workspace {workspace} cannot be written: {error.strerror}\nchoose another with -w DIR or STILTS_WORKSPACE"
        ) from None


def is_complete(workspace: Path, stage: Stage) -> bool:
    """Whether all files of a stage are there with the sizes that its record tells; bytes are not read."""
    folder = stage_folder(workspace, stage)
    found = read_sizes(folder)
    if found is None or found[0] != key(stage):
        return False
    return all(_size(folder / name) == expected for name, expected in found[1].items())


def completed(workspace: Path, stage: Stage) -> Record | None:
    """The record of a stage that is complete."""
    return read_record(stage_folder(workspace, stage)) if is_complete(workspace, stage) else None


def _size(path: Path) -> int | None:
    """A file's bytes; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def verified(workspace: Path, stage: Stage) -> Record | None:
    """The stage's record where every byte is as it says; an artifact that fails is disowned, so that it is made again.

    For those who are about to use it. Raises StiltsError where another stage's artifact has the same short name.
    """
    folder = stage_folder(workspace, stage)
    record = read_record(folder)
    if record is None:
        return None
    if record.key != key(stage):
        raise StiltsError(f"{folder} holds another stage whose key begins alike; move it away and run again")
    if not faults(folder, record):
        return record
    (folder / NAME).unlink(missing_ok=True)
    return None


def faults(folder: Path, record: Record) -> list[Fault]:
    """What is wrong with an artifact's files."""
    found = []
    for name, kept in record.files.items():
        path = folder / name
        if not path.is_file():
            found.append(Fault(record.slug, name, "the file is gone"))
        elif path.stat().st_size != kept.bytes:
            found.append(Fault(record.slug, name, f"{path.stat().st_size:,} bytes instead of {kept.bytes:,}"))
        elif file_digest(path) != kept.sha256:
            found.append(Fault(record.slug, name, "its bytes have changed (sha256 differs)"))
    if record.key != key(record.stage):
        found.append(Fault(record.slug, NAME, "the record's key is not that of its stage"))
    return found


def records(workspace: Path) -> Iterator[tuple[Path, Record | None]]:
    """(folder, record) of every stage folder; None where the stage is not complete or its record is broken."""
    for folder in sorted((workspace / "stages").glob("*")):
        if folder.is_dir():
            yield folder, read_record(folder)


def find(workspace: Path, name: str) -> Record:
    """The complete stage whose slug is, or begins with, a name. Raises Mistake with the nearest."""
    known = {record.slug: record for _, record in records(workspace) if record is not None}
    matching = [record for slug_, record in known.items() if slug_ == name] or [
        record for slug_, record in known.items() if slug_.startswith(name)
    ]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise Mistake(f"'{name}' could be {', '.join(record.slug for record in matching)}")
    if not known:
        raise Mistake(f"{workspace} holds no finished stages; stilts run makes some")
    raise unknown("stage", name, known)


def read_predictions(folder: Path) -> list[dict[str, Any]]:
    """The rows of predictions.jsonl."""
    with (folder / "predictions.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
