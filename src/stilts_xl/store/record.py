"""The record of a finished stage: identity, files, provenance, counts. Its presence is completion, so it comes last."""

import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stilts_xl.core.identity import canonical, restore
from stilts_xl.core.recipe import Recipe, Retrieval
from stilts_xl.core.stage import Data, Mixture, Predict, Pretrained, Scratch, Stage, Train, key, slug
from stilts_xl.store.files import file_digest, write_atomically

NAME = "record.json"
DECODER = json.JSONDecoder()
STAGE_CLASSES: dict[str, type] = {
    cls.__name__: cls for cls in (Data, Mixture, Recipe, Retrieval, Pretrained, Scratch, Train, Predict)
}
PACKAGES = ("stilts-xl", "torch", "transformers", "tokenizers", "datasets", "accelerate", "safetensors", "numpy")


@dataclass(frozen=True)
class Kept:
    """A file of an artifact."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """What a stage left and where it came from."""

    slug: str
    key: str
    stage: Stage
    files: Mapping[str, Kept]
    facts: Mapping[str, Any]
    """What the stage measured: steps, losses, counts, seconds."""
    provenance: Mapping[str, Any]
    """Versions, platform, digests of the task's and the kind's code, the time."""


def write_record(
    folder: Path, stage: Stage, names: list[str], facts: Mapping[str, Any], code: Mapping[str, str]
) -> Record:
    """Digest the named files of a finished stage and complete it. ``code``: file -> digest, for warnings about drift."""
    files = {name: Kept((folder / name).stat().st_size, file_digest(folder / name)) for name in sorted(names)}
    record = Record(slug(stage), key(stage), stage, files, facts, provenance(code))
    plain = asdict(record) | {"stage": canonical(stage, whole=True)}
    write_atomically(folder / NAME, json.dumps(plain, indent=1, ensure_ascii=False))
    return record


def read_record(folder: Path) -> Record | None:
    """The record in a stage's folder; None where it is absent or not readable as one."""
    try:
        plain = json.loads((folder / NAME).read_text(encoding="utf-8"))
        stage = restore(plain["stage"], STAGE_CLASSES)
        files = {name: Kept(**kept) for name, kept in plain["files"].items()}
        return Record(plain["slug"], plain["key"], stage, files, plain["facts"], plain["provenance"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_sizes(folder: Path) -> tuple[str, dict[str, int]] | None:
    """The key of the record in a stage's folder, and its files' bytes; None where it is absent or not readable as one.

    Of a text as ``write_record`` lays it out, only these two fields are parsed: a plan looks at thousands of records.
    """
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
        files = _field(text, "files")
        return _field(text, "key"), {name: Kept(**kept).bytes for name, kept in files.items()}
    except OSError:
        return None
    except (ValueError, TypeError, AttributeError):  # laid out by somebody else, or broken
        record = read_record(folder)
        return None if record is None else (record.key, {name: kept.bytes for name, kept in record.files.items()})


def _field(text: str, name: str) -> Any:
    """A field of a record. JSON has no line breaks within strings: what stands behind one is the field, nothing else."""
    start = f'\n "{name}": '
    return DECODER.raw_decode(text, text.index(start) + len(start))[0]


def provenance(code: Mapping[str, str]) -> dict[str, Any]:
    """Where and with what a stage ran; nothing here is identity."""
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: found for name in PACKAGES if (found := _version(name))}
        | {"python": platform.python_version()},
        "platform": platform.platform(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "code": dict(code),
    }


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
