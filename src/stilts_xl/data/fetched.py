"""What data fetch left below a data root: one commit of a Hub repository, complete once its fetched.json is there."""

import json
import ntpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.data.card import CARD, data_files, listed, read_card
from stilts_xl.data.hub import COMMIT, write_whole

NAME = "fetched.json"


@dataclass(frozen=True)
class FetchedFile:
    """A file as it was when its digest was the published one."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Fetched:
    """The content of fetched.json."""

    commit: str
    patterns: tuple[str, ...]
    """Every file that the repository has under one of these is among the files."""
    files: Mapping[str, FetchedFile]
    """Path in the repository, and below the commit's folder -> the file."""


@dataclass(frozen=True)
class FetchedSplit:
    """The files of one split of a repository."""

    folder: Path
    """Of the commit."""
    fetched: Fetched
    names: tuple[str, ...]
    """Paths below the folder, in order; at least one."""
    rows: int | None
    """How many rows they have as the card says; None where it does not."""


def repository_root(root: Path, repo: str) -> Path:
    """The folder of a repository below a data root; a folder for each commit lies in it, and fetched.json."""
    return root / "hub" / repo


def fetched_split(root: Path, repo: str, config: str, split: str) -> FetchedSplit | None:
    """A split below a data root; None where no commit, or not this split of it, was fetched to its end.

    Raises StiltsError where the card is not as it was fetched.
    """
    fetched = read_fetched(root, repo)
    if fetched is None:
        return None
    folder = repository_root(root, repo) / fetched.commit
    require_intact(folder, CARD, fetched)
    said = listed(read_card(folder, repo), repo, config, split)
    if not set(said.patterns) <= set(fetched.patterns):
        return None
    names = data_files(fetched.files, said.patterns, f"{repo} ({config}, {split})")
    return FetchedSplit(folder, fetched, tuple(names), said.rows) if names else None


def read_fetched(root: Path, repo: str) -> Fetched | None:
    """What was fetched of a repository, or None. Raises Mistake where its fetched.json is damaged."""
    path = repository_root(root, repo) / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {name: FetchedFile(int(kept["bytes"]), str(kept["sha256"])) for name, kept in content["files"].items()}
        found = Fetched(str(content["commit"]), tuple(map(str, content["patterns"])), files)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, type(error).__name__) from None
    if not COMMIT.fullmatch(found.commit) or not all(map(is_plain, files)):
        raise _damaged(path, "its commit or a path in it cannot be right")
    return found


def write_fetched(root: Path, repo: str, fetched: Fetched) -> None:
    """Write fetched.json, whole or not at all."""
    content = {
        "commit": fetched.commit,
        "patterns": sorted(fetched.patterns),
        "files": {path: asdict(kept) for path, kept in fetched.files.items()},
    }
    write_whole(repository_root(root, repo) / NAME, content)


def require_intact(folder: Path, path: str, fetched: Fetched) -> None:
    """Raise StiltsError where a file is not what was fetched: its rows would not be those of the commit."""
    file, kept = folder / path, fetched.files.get(path)
    if kept is None or not file.is_file() or file.stat().st_size != kept.bytes or sha256_of(file) != kept.sha256:
        raise StiltsError(
            f"{file} is not as it was fetched: changed, cut or removed\nstilts data fetch with its task and data.root fetches it again"
        )


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def is_plain(path: str) -> bool:
    """Whether a path from elsewhere stays inside the folder it is joined to, on any system, and can be printed.

    The Hub's library keeps its own files in '.cache', so nothing of a repository goes there.
    """
    parts = path.split("/")
    return (
        path.isprintable()
        and "\\" not in path
        and parts[0] != ".cache"
        and not any(part in ("", ".", "..") or ntpath.splitdrive(part)[0] for part in parts)
    )


def _damaged(path: Path, why: str) -> Mistake:
    return Mistake(f"{path} is not readable ({why}); delete it, and stilts data fetch with its task writes it anew")
