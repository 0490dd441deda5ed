"""Fetching: data sets from the Hub into a data root, each file compared with the digest that the Hub publishes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.core.task import Task
from stilts_xl.data.card import CARD, data_files, listed, read_card
from stilts_xl.data.fetched import (
    NAME,
    Fetched,
    FetchedFile,
    is_plain,
    read_fetched,
    repository_root,
    sha256_of,
    write_fetched,
)
from stilts_xl.data.hub import Published, download, published_files
from stilts_xl.data.sources import hub_part
from stilts_xl.tasks.catalog import all_tasks

Part = tuple[str, str]
"""(configuration, split) of a repository."""


@dataclass(frozen=True)
class Repository:
    """What tasks read of one repository."""

    repo: str
    revision: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Arrived:
    """A file that is there and right."""

    path: str
    bytes: int
    here: bool
    """It was there before."""


@dataclass(frozen=True)
class Outcome:
    """What a repository's fetching came to."""

    folder: Path
    files: tuple[Arrived, ...]
    absent: tuple[Part, ...]
    """Parts that the repository does not have; some languages have no validation split."""
    replaced: Path | None
    """The folder of another commit, which nothing reads any more."""


def fetchable() -> list[str]:
    """The names of the tasks of which everything can be fetched."""
    return [task.name for task in all_tasks().values() if not _missing_copies(task)]


def repositories(tasks: Iterable[Task]) -> tuple[Repository, ...]:
    """What to fetch for tasks and for those whose rows they need, a repository once.

    Raises Mistake, with where the data are to be had, for a task that has no copy on the Hub.
    """
    found: dict[tuple[str, str], dict[Part, None]] = {}
    for task in tasks:
        for without in _missing_copies(task):
            needed = "" if without is task else f", which {task.name} needs,"
            raise Mistake(
                f"{without.name}{needed} has no copy on the Hub\n{without.where or f'it is to be had from {without.homepage}'}"
            )
        for one in _with_sources(task):
            if one.hub is not None:
                found.setdefault((one.hub.repo, one.hub.revision), {}).update(dict.fromkeys(_parts(one)))
    return tuple(Repository(repo, revision, tuple(parts)) for (repo, revision), parts in found.items())


def fetch(repository: Repository, commit: str, root: Path, arrived: Callable[[Arrived], None]) -> Outcome:
    """Put a repository's card, and the data files that it lists for the parts, below the root; then fetched.json.

    A file that is there with the published digest is not fetched again, and no code ever is. ``arrived`` hears of every
    file. Raises StiltsError for a file whose digest is not the published one, and removes it; what was fetched before an
    error or an interruption stays for the next call.
    """
    published = {file.path: file for file in published_files("dataset", repository.repo, commit)}
    if CARD not in published:
        raise Mistake(f"{repository.repo} at {commit[:8]} has no {CARD}, and so nothing says which files to fetch")
    folder = repository_root(root, repository.repo) / commit
    files: list[Arrived] = []
    with _alone(folder.parent / f"{NAME}.guard"):
        before = read_fetched(root, repository.repo)
        files.append(_fetch_file(repository.repo, commit, published[CARD], folder, arrived))
        patterns, names, absent = _wanted(repository, folder, published)
        for name in names:
            files.append(_fetch_file(repository.repo, commit, published[name], folder, arrived))
        kept = {file.path: _kept(folder / file.path, published[file.path]) for file in files}
        if before is not None and before.commit == commit:
            patterns, kept = patterns | set(before.patterns), {**before.files, **kept}
        rmtree(folder / ".cache", ignore_errors=True)  # the Hub library's notes on its downloads
        write_fetched(root, repository.repo, Fetched(commit, tuple(patterns), kept))
    replaced = folder.parent / before.commit if before is not None and before.commit != commit else None
    return Outcome(folder, tuple(files), absent, replaced)


def _with_sources(task: Task) -> list[Task]:
    """The task, and those whose rows it reads."""
    return [task, *(all_tasks()[name] for name in dict.fromkeys([task.source_task, *task.parts]) if name != task.name)]


def _missing_copies(task: Task) -> list[Task]:
    """Those of the task and its sources that have no copy; a task made of others needs none of its own."""
    return [one for one in _with_sources(task) if one.hub is None and not one.parts]


def _parts(task: Task) -> list[Part]:
    assert task.hub is not None
    found = []
    for split in task.hub.splits:
        languages = task.train_languages if split == "train" else (*task.languages, *task.extra_languages)
        for language in languages:
            config, joined = hub_part(task.hub, split, language)
            found += [(config, one) for one in joined.split("+")]
    return found


def _wanted(
    repository: Repository, folder: Path, published: Mapping[str, Published]
) -> tuple[set[str], list[str], tuple[Part, ...]]:
    """(patterns, files, absent parts) by the card."""
    card = read_card(folder, repository.repo)
    patterns: set[str] = set()
    names: dict[str, None] = {}
    absent = []
    for config, split in repository.parts:
        said = listed(card, repository.repo, config, split)
        found = data_files(published, said.patterns, f"{repository.repo} ({config}, {split})")
        names.update(dict.fromkeys(found))
        patterns.update(said.patterns)
        absent += [] if found else [(config, split)]
    if not names:
        config, split = repository.parts[0]
        raise Mistake(
            f"{repository.repo}: the card lists no data files for the configuration '{config}', split '{split}'"
        )
    return patterns, list(names), tuple(absent)


def _fetch_file(
    repo: str, commit: str, published: Published, folder: Path, arrived: Callable[[Arrived], None]
) -> Arrived:
    """Fetch one file unless it is there."""
    if not is_plain(published.path):
        raise StiltsError(f"{repo} at {commit[:8]}: refused a file named {published.path!r}, which may lead elsewhere")
    file = folder / published.path
    here = file.is_file() and _is_right(file, published)
    if not here:
        _download_right(repo, commit, published, folder)
    found = Arrived(published.path, published.bytes, here)
    arrived(found)
    return found


def _download_right(repo: str, commit: str, published: Published, folder: Path) -> None:
    file = folder / published.path
    for afresh in (False, True):  # the second time past the Hub's cache, whose copy may be the bad one
        file.unlink(missing_ok=True)
        download("dataset", repo, commit, published.path, folder, afresh)
        if _is_right(file, published):
            return
    expected = f"sha256 {published.sha256}" if published.sha256 else f"git blob {published.blob}"
    found = f"{file.stat().st_size:,} bytes with sha256 {sha256_of(file)}"
    file.unlink()
    raise StiltsError(
        f"{repo}: {published.path}: expected {published.bytes:,} bytes with {expected}, found {found}\n"
        "the file was removed; the same command fetches it again"
    )


def _kept(file: Path, published: Published) -> FetchedFile:
    return FetchedFile(published.bytes, published.sha256 or sha256_of(file))


def _is_right(file: Path, published: Published) -> bool:
    if file.stat().st_size != published.bytes:
        return False
    if published.sha256:
        return sha256_of(file) == published.sha256
    return sha1(b"blob %d\0" % published.bytes + file.read_bytes()).hexdigest() == published.blob


@contextmanager
def _alone(guard: Path) -> Iterator[None]:
    guard.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(guard, timeout=0):
            yield
    except Timeout:
        raise StiltsError(
            f"another stilts data fetch writes to {guard.parent}\nwhen it is done, the same command goes on with what is missing"
        ) from None
