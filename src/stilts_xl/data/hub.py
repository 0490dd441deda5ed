"""The Hub: revisions resolved to commits once and kept in a lock file, and a repository's files at a commit."""

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars, httpx, logging  # type: ignore[attr-defined]

from stilts_xl.core.errors import Mistake, StiltsError

COMMIT = re.compile(r"[0-9a-f]{40}")
SECONDS_TO_ANSWER = 30
ENDPOINT = constants.ENDPOINT
WITHOUT_NETWORK = {"dataset": "data=sample or data=local data.root=DIR", "model": "model=scratch or model.path=DIR"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Published:
    """A file of a repository as the Hub announces it."""

    path: str
    bytes: int
    sha256: str
    """Of the content, for a large file; '' for a small one."""
    blob: str
    """git's name of a small file: sha1 of a header with its length, and the content."""


def commit_of(kind: str, repo: str, revision: str, lock: str, offline: bool) -> str:
    """The 40-digit commit of a repository's revision; ``kind`` is 'dataset' or 'model'.

    The first contact writes it to the lock file, and later calls read it there. Raises Mistake for an unknown
    repository or revision, StiltsError where the Hub cannot be reached and the lock does not know.
    """
    if COMMIT.fullmatch(revision):
        return revision
    name = f"{kind}s/{repo}@{revision}"
    known = _read_lock(Path(lock))
    if name in known:
        return known[name]
    if offline:
        raise Mistake(
            f"--offline, and the commit of {name} was never resolved\nrun once without --offline, or use data=sample or data=local"
        )
    Path(lock).parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{lock}.guard"):  # runs that start together agree on one commit, and lose none of each other's
        known = _read_lock(Path(lock))
        if name not in known:
            known[name] = _ask(kind, repo, revision)
            write_whole(Path(lock), known)
    return known[name]


def repository_folder(
    kind: str, repo: str, commit: str, patterns: Sequence[str], offline: bool, ignored: Sequence[str] = ()
) -> Path:
    """The local folder of a repository at a commit, with every file that matches a pattern and none that is ignored.

    A commit never changes, so what is in the cache is not fetched again. ``offline`` opens no connection, whatever the
    environment says. Only ``snapshot_download`` keeps that: ``hf_hub_download(local_files_only=True)`` still asks the
    Hub for its user agent. Gigabytes of a model come with the library's progress bars, the small files of a data set
    without.
    """
    with plain_errors(kind, repo, commit, offline), disable_progress_bars() if kind == "dataset" else nullcontext():
        folder = snapshot_download(
            repo,
            repo_type=kind,
            revision=commit,
            allow_patterns=list(patterns),
            ignore_patterns=list(ignored),
            local_files_only=offline,
        )
    return Path(folder)


def published_files(kind: str, repo: str, commit: str) -> tuple[Published, ...]:
    """Every file of a repository at a commit, as the Hub announces it; its paths are not to be trusted."""
    with plain_errors(kind, repo, commit):
        found = HfApi().list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind)
        files = [entry for entry in found if isinstance(entry, RepoFile)]
    return tuple(Published(file.path, file.size, file.lfs.sha256 if file.lfs else "", file.blob_id) for file in files)


def download(kind: str, repo: str, commit: str, path: str, folder: Path, afresh: bool) -> None:
    """Put one file of a repository below a folder, whole or not at all; from the cache where it is, unless ``afresh``.

    A connection that breaks is taken up again where it broke, a few times; what comes is not compared with anything.
    """
    with (
        plain_errors(kind, repo, commit, then="the same command goes on with what is missing"),
        disable_progress_bars(),
    ):
        hf_hub_download(repo, path, repo_type=kind, revision=commit, local_dir=folder, force_download=afresh)


@contextmanager
def plain_errors(kind: str, repo: str, revision: str, offline: bool = False, then: str = "") -> Iterator[None]:
    """The Hub's many errors as two: a Mistake for what it does not have, a StiltsError where it cannot be asked.

    ``then`` is what can be done where it cannot be asked. A disk that is full is neither. The library's own words about
    each of its retries are left out.
    """
    talk = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    except HFValidationError:
        raise Mistake(f"'{repo}' is not the name of a {kind} on the Hub; expected owner/name") from None
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise Mistake(f"the Hub has no {kind} '{repo}' at revision '{revision}' (or it needs a login)") from None
    except (httpx.HTTPError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: hf_xet, of a storage that does not answer. ValueError: answers that are no JSON, and forced
        # downloads, whose cause says what happened.
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        if offline:
            raise Mistake(
                f"--offline, and {kind} '{repo}' at {revision[:8]} is not all in the cache\n"
                f"run once without --offline, or use {WITHOUT_NETWORK[kind]}"
            ) from None
        then = then or f"without a network: {WITHOUT_NETWORK[kind]}"
        raise StiltsError(f"the Hub cannot be reached for {kind} '{repo}': {reason(error)}\n{then}") from None
    finally:
        logging.set_verbosity(talk)


def reason(error: BaseException) -> str:
    """The first line of what lies at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).splitlines() or [type(error).__name__])[0]


def hub_silence() -> str:
    """Why the Hub cannot be reached, or '' when it answers within five seconds."""
    try:
        httpx.head(ENDPOINT, timeout=5)
    except (httpx.HTTPError, OSError) as error:
        return type(error).__name__
    return ""


def _ask(kind: str, repo: str, revision: str) -> str:
    with plain_errors(kind, repo, revision):
        commit = HfApi().repo_info(repo, revision=revision, repo_type=kind, timeout=SECONDS_TO_ANSWER).sha
    if commit is None or not COMMIT.fullmatch(commit):
        raise StiltsError(f"the Hub named no commit for {kind} '{repo}' at '{revision}'")
    return commit


def _read_lock(lock: Path) -> dict[str, str]:
    try:
        found = json.loads(lock.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(lock, str(error)) from None
    if not isinstance(found, dict):
        raise _unreadable(lock, "it holds no JSON object")
    broken = [name for name, commit in found.items() if not COMMIT.fullmatch(str(commit))]
    if broken:
        raise _unreadable(lock, f"{broken[0]} has no commit")
    return found


def _unreadable(lock: Path, why: str) -> Mistake:
    return Mistake(f"{lock} is not a readable lock file ({why}); delete it to resolve the revisions again")


def write_whole(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader finds the old file or the whole new one; one writer at a time."""
    whole = path.with_name(f"{path.name}.new")
    with whole.open("w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=1, sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(whole, path)
