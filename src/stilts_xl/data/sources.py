"""Where a task's rows are: official files below a root, or the Hub; found and pinned without reading a row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from stilts_xl.core.errors import Mistake
from stilts_xl.core.identity import digest
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.data.fetched import fetched_split, read_fetched
from stilts_xl.data.hub import commit_of
from stilts_xl.data.sample import root_of, sample_languages
from stilts_xl.tasks.languages import FLORES, ISO3, NAMES


@dataclass(frozen=True)
class Found:
    """Files that are there, and their layout."""

    layout: Files
    paths: tuple[Path, ...]
    """In the order in which the layout's format reads them."""
    labels: Path | None
    """The file that lists the labels, where the layout names one."""


@dataclass(frozen=True)
class Absent:
    """Where files were looked for in vain, relative to the root: of each layout the first one that is not there."""

    looked: tuple[str, ...]


def locate(task: Task, split: str, language: str, root: Path) -> Found | Absent:
    """The first of the task's layouts whose files are all there."""
    looked = []
    for layout in task.files:
        if split not in layout.paths:
            continue
        found = _all_of(layout, split, language, root)
        if isinstance(found, Found):
            return found
        looked.append(found)
    return Absent(tuple(dict.fromkeys(looked)))


def _all_of(layout: Files, split: str, language: str, root: Path) -> Found | str:
    """A layout's files, or the first of its paths where there is none."""
    named = layout.paths[split]
    paths: list[Path] = []
    for pattern in (named,) if isinstance(named, str) else named:
        matches = _matches(pattern, language, root)
        if isinstance(matches, str):
            return matches
        paths += matches
    if not layout.label_file:
        return Found(layout, tuple(paths), None)
    labels = _matches(layout.label_file, language, root)
    return labels if isinstance(labels, str) else Found(layout, tuple(paths), labels[0])


def _matches(pattern: str, language: str, root: Path) -> list[Path] | str:
    """The files that a pattern stands for, in the order of their names; or the pattern, filled in, where there is none."""
    try:
        relative = pattern.format_map(_codes(language))
    except KeyError as code:  # the publisher's codes lack this language, and so the publisher has no file in it
        return f"{pattern} ('{language}' has no {code.args[0]} code)"
    matches = root.glob(relative) if "*" in relative else [root / relative]
    return sorted((path for path in matches if path.is_file()), key=lambda path: (path.name, path)) or relative


def _codes(language: str) -> dict[str, str]:
    """What a path may say about a language, or about a pair such as 'de-en' (context, question)."""
    context, _, question = language.partition("-")
    codes = {"lang": language, "context": context, "question": question or context}
    tables = {"iso3": ISO3, "flores": FLORES, "name": NAMES}
    return codes | {name: table[language] for name, table in tables.items() if language in table}


def hub_part(hub: Hub, split: str, language: str) -> tuple[str, str]:
    """(configuration, split) of the Hub's copy."""
    return hub.config.format(lang=hub.codes.get(language, language)), hub.splits[split]


def hub_copy(task: Task, split: str) -> Hub:
    """The task's Hub copy, or a Mistake where it has none with that split."""
    if task.hub is None or split not in task.hub.splits:
        raise Mistake(
            f"{task.name} has no {split} split on the Hub; use data=local data.root=DIR with its official files"
            + (f"\n{task.where}" if task.where else "")
        )
    return task.hub


def pin(
    task: Task, split: str, language: str, place: DataPlace, limit: int, digest_of: Callable[[Path], str]
) -> Data | Absent:
    """The rows as a value that names their bytes: the sha256 of the file or of several files' digests, or the Hub commit.

    A folder of official downloads that lacks the task's files may hold its Hub copy instead: the rows, and so the
    value, are those of data=hub; what was not fetched of that copy is absent. Raises Mistake where the root itself is
    missing or the Hub cannot be asked.
    """
    if place.source == "hub":
        hub = hub_copy(task, split)
        commit = commit_of("dataset", hub.repo, hub.revision, place.lock, place.offline)
        source = _hub_source(hub, commit, split, language)
    else:
        root = root_of(place)
        if not root.is_dir():
            raise Mistake(
                f"data.root '{place.root}' is not a folder\nstilts data check data=local data.root=DIR lists the files a run needs"
            )
        found = locate(task, split, language, root)
        if isinstance(found, Found):
            source = _files_source(found, digest_of)
        elif task.hub is not None and split in task.hub.splits and (fetched := read_fetched(root, task.hub.repo)):
            if lost := _lost_part(task.hub, split, language, root):
                return Absent((*found.looked, lost))
            source = _hub_source(task.hub, fetched.commit, split, language)
        else:
            return found
    return Data(task.name, task.kind, task.revision, split, language, source, limit)


def _hub_source(hub: Hub, commit: str, split: str, language: str) -> str:
    config, hub_split = hub_part(hub, split, language)
    return f"hub:{hub.repo}@{commit}/{config}/{hub_split}"


def _lost_part(hub: Hub, split: str, language: str, root: Path) -> str:
    """The first part of a split that a repository below the root lacks, or ''."""
    config, joined = hub_part(hub, split, language)
    lost = (part for part in joined.split("+") if fetched_split(root, hub.repo, config, part) is None)
    return next((f"hub/{hub.repo} ({config}, {part})" for part in lost), "")


def _files_source(found: Found, digest_of: Callable[[Path], str]) -> str:
    digests = tuple(digest_of(path) for path in (*found.paths, *([found.labels] if found.labels else [])))
    return f"sha256:{digests[0] if len(digests) == 1 else digest(digests)}"


def absent_file(task: Task, split: str, absent: Absent, place: DataPlace) -> Mistake:
    """The error for files that a run cannot do without."""
    looked = " or ".join(absent.looked) or f"(no official layout has a {split} split)"
    return Mistake(
        f"no {split} data of {task.name}: looked for {looked} in {place.root}\n"
        f"{how_to_get(task, split, place)}\nstilts data check lists all that a run needs"
    )


def how_to_get(task: Task, split: str, place: DataPlace) -> str:
    """How to come by a split's files, in one line; nothing is fetched into the sample data."""
    show = f"stilts show task {task.name} says where to get it"
    if place.source == "sample":
        languages = ", ".join(sample_languages(task))
        return f"sample data of {task.name} are in {languages or 'no language'}; {show} for data=local"
    if task.where:
        return task.where
    if task.hub is None or split not in task.hub.splits:
        return show
    return f"stilts data fetch {task.name} data.root={quote(place.root)} fetches the Hub's copy; {show}"
