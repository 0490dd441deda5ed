"""Where a task's rows are: official files below a root, or the Hub; found and pinned without reading a row."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.data.hub import commit_of

SAMPLE_ROOT = Path(str(package_files("stilts_xl"))) / "data" / "sample"


@dataclass(frozen=True)
class Found:
    """A file that is there, and its layout."""

    layout: Files
    path: Path


@dataclass(frozen=True)
class Absent:
    """Where a file was looked for in vain, relative to the root."""

    looked: tuple[str, ...]


def locate(task: Task, split: str, language: str, root: Path) -> Found | Absent:
    """The first of the task's layouts whose file is there."""
    looked = []
    for layout in task.files:
        if split in layout.paths:
            relative = layout.paths[split].format(lang=language)
            if (root / relative).is_file():
                return Found(layout, root / relative)
            looked.append(relative)
    return Absent(tuple(looked))


def hub_part(hub: Hub, split: str, language: str) -> tuple[str, str]:
    """(configuration, split) of the Hub's copy."""
    return hub.config.format(lang=language), hub.splits[split]


def hub_copy(task: Task, split: str) -> Hub:
    """The task's Hub copy, or a Mistake where it has none with that split."""
    if task.hub is None or split not in task.hub.splits:
        raise Mistake(
            f"{task.name} has no {split} split on the Hub; use data=local data.root=DIR with its official files"
        )
    return task.hub


def pin(
    task: Task, split: str, language: str, place: DataPlace, limit: int, digest_of: Callable[[Path], str]
) -> Data | Absent:
    """The rows as a value that names their bytes: the file's sha256, or the Hub commit.

    Raises Mistake where the root itself is missing or the Hub cannot be asked.
    """
    if place.source == "hub":
        hub = hub_copy(task, split)
        config, hub_split = hub_part(hub, split, language)
        source = (
            f"hub:{hub.repo}@{commit_of('dataset', hub.repo, 'main', place.lock, place.offline)}/{config}/{hub_split}"
        )
    else:
        if not Path(place.root).is_dir():
            raise Mistake(
                f"data.root '{place.root}' is not a folder\nstilts data check data=local data.root=DIR lists the files a run needs"
            )
        found = locate(task, split, language, Path(place.root))
        if isinstance(found, Absent):
            return found
        source = f"sha256:{digest_of(found.path)}"
    return Data(task.name, task.kind, task.revision, split, language, source, limit)


def absent_file(task: Task, split: str, absent: Absent, root: str) -> Mistake:
    """The error for a file that a run cannot do without."""
    looked = " or ".join(absent.looked) or f"(no official layout has a {split} split)"
    return Mistake(
        f"no {split} data of {task.name}: looked for {looked} in {root}\n"
        f"stilts show task {task.name} says where to get it; stilts data check lists all that a run needs"
    )
