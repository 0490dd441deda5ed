"""The files of data=sample: an invented world in every task and language, written when they are first asked for."""

import os
from dataclasses import asdict
from functools import cache
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.place import DataPlace, Sample
from stilts_xl.core.task import Task
from stilts_xl.data.world.language import language_files
from stilts_xl.data.world.write import COMPLETE, world_key, write_world

DIGITS = 16
"""Of a world's key so many name its folder; the whole key stands in it."""


@cache
def sample_name(sample: Sample) -> str:
    """A folder's name for these rows, the same wherever they are made; no row is made for it."""
    return f"sample-{world_key(**asdict(sample))[:DIGITS]}"


def sample_languages(task: Task) -> tuple[str, ...]:
    """The task's languages in which there are sample data."""
    told = {path.stem for path in language_files()}
    return tuple(language for language in task.languages if language in told)


def is_unwritten(place: DataPlace) -> bool:
    """Whether a place's files have yet to be made, which takes seconds."""
    return place.sample is not None and not os.path.isfile(os.path.join(place.root, COMPLETE))


def root_of(place: DataPlace) -> Path:
    """The folder of a place's files; that of sample data is written where it is not there.

    It is moved into place when it is complete, and another writer of the same one is no harm. Raises Mistake where it
    cannot be written.
    """
    root = Path(place.root)
    if place.sample is not None and is_unwritten(place):
        try:
            write_world(root, **asdict(place.sample))
        except OSError as error:
            raise Mistake(
                f"the sample data cannot be written to {root}: {error.strerror or error}\n"
                "STILTS_CACHE=DIR names another folder to keep them in"
            ) from None
    return root


def can_be_written(place: DataPlace) -> bool:
    """Whether a place's files could be made: the nearest folder above them that is there can be written."""
    there = next(folder for folder in Path(place.root).parents if os.path.exists(folder))
    return os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)
