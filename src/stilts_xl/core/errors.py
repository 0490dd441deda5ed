"""The errors a user may see: one to three lines each, no traceback, an exit code."""

from collections.abc import Iterable
from difflib import get_close_matches


class StiltsError(Exception):
    """Something failed while running (exit 1). The message says what was asked, what was found, and what to do."""

    exit_code = 1


class Mistake(StiltsError):
    """What was asked cannot be done as it stands (exit 2)."""

    exit_code = 2


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
