"""Lines that fit the terminal; where there is none, as in a pipe, they stay whole."""

import os
import sys
from shutil import get_terminal_size
from textwrap import wrap

import typer

NARROWEST = 40
"""Columns below which nothing is folded any further."""
INDENT = 4
"""Of a text that stands below its label."""


def columns() -> int | None:
    """The columns to keep to: those that $COLUMNS names, else the terminal's; None where there is no terminal."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal():
        return None
    return max(NARROWEST, get_terminal_size().columns)


def say(label: str, text: str = "", width: int = 0) -> None:
    """Print a label that takes ``width`` columns or more, and a text beside it, folded at blanks.

    A text with a word that does not fit there stands below the label; one that fits nowhere stays whole.
    """
    head, room = f"{label:<{width}}", columns()
    if room is None or len(head) + len(text) <= room:
        typer.echo((head + text).rstrip())
        return
    beside = max(map(len, text.split())) <= room - len(head)
    indent = len(head) if beside else INDENT
    lines = wrap(text, room - indent, break_long_words=False, break_on_hyphens=False)
    if beside:
        lines[0] = head + lines[0]
    else:
        lines.insert(0, label.rstrip())
    typer.echo(f"\n{' ' * indent}".join(lines))
