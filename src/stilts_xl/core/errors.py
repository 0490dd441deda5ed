"""The errors a user may see: one to three lines each, no traceback, an exit code."""

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk, a quota or a limit that is used up."""
ADVICE = dict.fromkeys(FULL, "make room") | {
    errno.EROFS: "mount that file system for writing, or choose another workspace with -w DIR",
    errno.EACCES: "give yourself the right to it, or choose another workspace with -w DIR",
    errno.EPERM: "give yourself the right to it (it may be immutable), or choose another workspace with -w DIR",
    errno.EISDIR: "a folder stands where a file belongs: move it away",
    errno.ENOTDIR: "a file stands where a folder belongs: move it away",
    errno.EEXIST: "a file stands where a folder belongs: move it away",
}
"""What to do about a file that cannot be written, where that is for the user and not for us to mend."""


class StiltsError(Exception):
    """Something failed while running (exit 1). The message says what was asked, what was found, and what to do."""

    exit_code = 1


class Mistake(StiltsError):
    """What was asked cannot be done as it stands (exit 2)."""

    exit_code = 2


class Lost(StiltsError):
    """Another process has taken over what this one was making, as after a suspension (exit 1)."""


class Interrupted(StiltsError):
    """The user stopped the work; what was done is saved (exit 130)."""

    exit_code = 130


def unknown(noun: str, name: str, known: Iterable[str]) -> Mistake:
    """The error for a name that is not in a list: nearest match first, then the list."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    section = name.rpartition(".")[0]
    inside = bool(section) and all(other.startswith(f"{section}.") for other in names)
    listed = [other.removeprefix(f"{section}.") for other in names] if inside else names
    return Mistake(f"unknown {noun} '{name}'.{hint}\nknown{f' in {section}' if inside else ''}: {', '.join(listed)}")


def file_error(error: OSError) -> StiltsError | None:
    """The message for a file that the system refuses, with what to do; None for an error that is no user's to mend."""
    if error.errno not in ADVICE or (error.filename is None and error.errno not in FULL):
        return None
    path = "a file" if error.filename is None else os.fsdecode(error.filename)
    verb = "written" if error.errno in (*FULL, errno.EROFS) else "used"
    return StiltsError(f"{path} cannot be {verb}: {error.strerror}\n{ADVICE[error.errno]}; the same command goes on")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise what the system refuses in the block as an OSError that names ``path``.

    Python does not say which file a full disk cut short, and libraries in Rust say '(os error 28)' in an error of
    their own, be it a bare Exception.
    """
    try:
        yield
    except BaseException as error:
        said = re.search(r"\(os error (\d+)\)", str(error))
        number = error.errno if isinstance(error, OSError) else int(said[1]) if said else None
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from None
