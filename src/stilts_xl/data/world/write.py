"""A whole world as a folder of official files, written elsewhere first and moved into place when it is complete."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from itertools import chain
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.identity import digest
from stilts_xl.data.world.choices import choice_files
from stilts_xl.data.world.english import ENGLISH
from stilts_xl.data.world.inference import inference_files
from stilts_xl.data.world.language import language_files, languages
from stilts_xl.data.world.pairs import pair_files
from stilts_xl.data.world.parallel import parallel_files
from stilts_xl.data.world.passages import question_files
from stilts_xl.data.world.tagging import tagging_files
from stilts_xl.data.world.world import Files, Languages, World

REVISION = 2
"""Raised when the same language files and sizes give other rows."""
COMPLETE = "world.json"
PARTS: tuple[Callable[[World, Languages], Files], ...] = (
    question_files, inference_files, pair_files, choice_files, tagging_files, parallel_files,
)  # fmt: skip


def world_key(seed: int, train: int, validation: int, test: int, text: int) -> str:
    """What a world's rows depend on, as 64 hexadecimal digits: the language files, the revision, the seed and sizes."""
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in (*language_files(), ENGLISH)}
    return digest({"revision": REVISION, "files": files, "world": World(seed, train, validation, test, text)})


def write_world(folder: Path, seed: int, train: int, validation: int, test: int, text: int) -> None:
    """Write all files of the world below a folder that is not there yet, or do nothing where this world is complete.

    ``train``, ``validation`` and ``test`` are rows of each task and language, ``text`` lines of running text. Another
    writer of the same world may be at work: whoever is done first wins. Raises Mistake where the folder holds anything
    else.
    """
    key = world_key(seed, train, validation, test, text)
    if _holds(folder, key):
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Mistake(f"{folder} is there already, and is not the sample world of {key[:8]}\ngive it another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        made.chmod(0o755)  # a temporary folder is its owner's alone, and a world may be shared
        _fill(made, World(seed, train, validation, test, text))
        facts = {"key": key, "revision": REVISION, "seed": seed, "train": train, "validation": validation}
        facts |= {"test": test, "text": text}
        (made / COMPLETE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        _move(made, folder, key)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(folder: Path, world: World) -> None:
    known = languages()
    for name, text in chain.from_iterable(part(world, known) for part in PARTS):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def _holds(folder: Path, key: str) -> bool:
    """Whether the folder is this world, complete."""
    try:
        return bool(json.loads((folder / COMPLETE).read_text(encoding="utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _move(made: Path, folder: Path, key: str) -> None:
    try:
        os.replace(made, folder)
    except OSError:
        if not _holds(folder, key):
            raise
