"""stilts status: what is running, done, failed and left in a workspace, from any shell."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.options import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from stilts_xl.run.status import Reader, Status

EVERY = 1.0
"""Seconds between two looks."""
PATIENCE = 60.0
"""Seconds without a change in the workspace after which nobody will begin; data are checked, and workers started, for a while."""


def status(
    workspace: Workspace = "outputs",
    watch: Annotated[bool, typer.Option("--watch", help="look again and again, until nothing runs")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object; with --watch a line a change")] = False,
) -> None:
    """Say what runs, is done, has failed and waits. The workspace's files are read, from any shell.

    The object of --json has the fields workspace, tally, running, interrupted, failed and commands (latest first, each
    with words, cells and tally). In a tally, stages = done + running + waiting + failed + blocked; trainings, of which
    trained are done; left, with seconds (null where unknown) and the number of unknown stages. Of a running stage:
    slug, phase, step, total, loss, tokens_per_second, where, host, pid, here, seconds, left, silent. Of one that
    failed: slug, message, log, when, blocks (stages), cells, again (the words of the command that tries it again).
    """
    from stilts_xl.cli.outlook import as_line, print_status, standstill, stdout
    from stilts_xl.run.status import Reader

    console, reader = stdout(), Reader(Path(workspace))
    found = reader.look()
    if not watch:
        typer.echo(as_line(found, indent=1)) if as_json else print_status(found, console)
        return
    try:
        look = _look_on if console.is_interactive and not as_json else _tell_changes
        last = look(reader, found, console, as_json)
    except KeyboardInterrupt:
        return
    if as_json:
        return
    if console.is_interactive:
        print_status(last, console)
    console.print(standstill(last), soft_wrap=True)


def _look_on(reader: "Reader", found: "Status", console: "Console", as_json: bool) -> "Status":
    """A picture that is always the latest; the last look."""
    from rich.live import Live

    from stilts_xl.cli.board import Board
    from stilts_xl.cli.outlook import picture

    board = Board()
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        while True:
            live.update(picture(found, board, console), refresh=True)
            if _over(reader, found):
                return found
            time.sleep(EVERY)
            found = reader.look()


def _tell_changes(reader: "Reader", found: "Status", console: "Console", as_json: bool) -> "Status":
    """A line whenever a count changes, and one for each new failure; the last look."""
    from stilts_xl.cli.board import summary
    from stilts_xl.cli.outlook import as_line, change, failure

    before: tuple[object, ...] = ()
    told: set[str] = set()
    while True:
        if change(found) != before:
            before = change(found)
            for one in () if as_json else found.failed:
                if one.slug not in told:
                    typer.echo(failure(one).plain)
            told = {one.slug for one in found.failed}
            typer.echo(as_line(found) if as_json else summary(found.tally).plain)
        if _over(reader, found):
            return found
        time.sleep(EVERY)
        found = reader.look()


def _over(reader: "Reader", found: "Status") -> bool:
    """Whether nothing is left to do, or nothing runs and nobody has done anything for a while."""
    return found.finished or (not found.running and reader.idle() >= PATIENCE)
