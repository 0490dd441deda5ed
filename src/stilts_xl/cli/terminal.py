"""Lines that fit the terminal; where there is none, as in a pipe, they stay whole."""

import os
import sys
from shutil import get_terminal_size
from textwrap import wrap

import typer

NARROWEST = 40
"""Columns below which nothing is folded any further."""


def columns() -> int | None:
    """The columns to keep to: those that $COLUMNS names, else the terminal's; None where there is no terminal."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return max(NARROWEST, get_terminal_size().columns)


def say(label: str, text: str = "", width: int = 0) -> None:
    """Print a label that takes ``width`` columns, and beside it a text, folded at blanks; a word too long stays whole."""
    head, room = f"{label:<{width}}", columns()
    if room is None or len(head) + len(text) <= room:
        typer.echo((head + text).rstrip())
        return
    lines = wrap(text, max(room - len(head), NARROWEST // 2), break_long_words=False, break_on_hyphens=False)
    typer.echo(head + f"\n{' ' * width}".join(lines))
