"""One look at a workspace in words: for a terminal, for a pipe, and for programs."""

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.text import Text

from stilts_xl.cli.board import Board, Row, cropped, duration, natural, number, speed, steps, summary
from stilts_xl.core.tally import Tally

if TYPE_CHECKING:
    from stilts_xl.run.status import Asked, Failed, Running, Status
    from stilts_xl.store.notes import Progress

WIDE = 10_000
"""Columns of what is no terminal: nothing is cut there."""
AT_MOST = 5
"""Commands that are done, failures and interrupted stages that are shown one by one while somebody watches."""
SILENT = 60.0
"""Seconds without a sign of life from another host that are worth a word."""


def stdout() -> Console:
    """A console on stdout, wide enough for everything where that is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDE)


def as_line(status: "Status", indent: int | None = None) -> str:
    """The whole of it as one JSON object."""
    return json.dumps(asdict(status), indent=indent, ensure_ascii=False)


def change(status: "Status") -> tuple[object, ...]:
    """What differs between two looks that are worth two lines: the time left does not count."""
    tally = status.tally
    return tally.done, tally.running, tally.waiting, {one.slug for one in status.failed}, tally.blocked


def print_status(status: "Status", console: Console) -> None:
    """Everything, in full."""
    for part in _parts(status, Board(), console, at_most=None):
        console.print(part, soft_wrap=isinstance(part, Text))


def picture(status: "Status", board: Board, console: Console) -> RenderableType:
    """What fits on a terminal that is looked at all the time."""
    parts = _parts(status, board, console, at_most=AT_MOST)
    return Group(*(cropped(part) if isinstance(part, Text) else part for part in parts))


def standstill(status: "Status") -> Text:
    """Why there is nothing to watch any more, and what goes on."""
    if status.finished:
        return Text("nothing is left to do")
    left = [one for one in status.commands if one.tally.done < one.tally.stages]
    again = f"; go on with: {_typed(left[0].words)}" if left else ""
    return Text(f"nothing runs{again}")


def _parts(status: "Status", board: Board, console: Console, at_most: int | None) -> Iterator[RenderableType]:
    """Blocks with an empty line between them."""
    width, height = console.size
    yield Text.assemble((f"{status.workspace}: ", "bold"), _share(status.tally))
    if not status.finished:
        yield summary(status.tally)
    if status.running:
        yield Text("")
        yield board.draw(_rows(status.running), width, height - 6 if at_most else WIDE, bars=at_most is not None)
    for block in (_stopped(status.interrupted, at_most), _failures(status, at_most), _commands(status, at_most)):
        if block:
            yield Text("")
            yield from block


def _share(counts: Tally) -> str:
    predictions, predicted = counts.stages - counts.trainings, counts.done - counts.trained
    if counts.done == counts.stages:
        of = f"{_many(counts.trainings, 'training')} and {_many(predictions, 'prediction')}"
        return f"all {counts.stages:,} stages are done: {of}"
    return f"{counts.trained:,} of {counts.trainings:,} trainings and {predicted:,} of {predictions:,} predictions done"


def _rows(running: "Sequence[Running]") -> list[Row]:
    ordered = sorted(running, key=lambda one: (not one.here, one.host, natural(one.where), one.pid))
    names = Counter(_worker(one) for one in ordered)
    return [_row(one, alone=names[_worker(one)] == 1) for one in ordered]


def _worker(one: "Running") -> str:
    return one.where if one.here else f"{one.host} {one.where or one.pid}"


def _row(one: "Running", alone: bool) -> Row:
    """``alone``: whether no other worker has its name."""
    return Row(
        worker=_worker(one) if alone else f"{_worker(one)} {one.pid}".strip(),
        stage=one.slug,
        phase=f"silent {duration(one.silent)}" if one.silent >= SILENT else one.phase,
        share=min(1.0, one.step / one.total) if one.total else None,
        step=steps(one.step, one.total),
        loss=number(one.loss),
        speed=speed(one.tokens_per_second),
        took="" if one.seconds is None else duration(one.seconds),
        left="" if one.left is None else duration(one.left),
    )


def _stopped(interrupted: "Sequence[Progress]", at_most: int | None) -> list[Text]:
    found = [
        Text.assemble(
            ("– ", "yellow"), f"{note.slug}  interrupted at {note.phase} {steps(note.step, note.total)}".rstrip()
        )
        for note in interrupted[:at_most]
    ]
    return found + _more(len(interrupted) - len(found), "interrupted")


def _failures(status: "Status", at_most: int | None) -> list[Text]:
    """Each with where to read on, then the commands that try them again."""
    shown = status.failed[:at_most]
    found = [line for one in shown for line in _failure(one, status.workspace)]
    found += _more(len(status.failed) - len(shown), "failed")
    again = dict.fromkeys(one.again for one in status.failed if one.again)
    return found + [Text(f"try only what failed again with: {_typed(words)}") for words in again]


def failure(one: "Failed") -> Text:
    """Which stage failed, and why."""
    why = one.message.partition("\n")[0].removeprefix(f"{one.slug}: ")
    return Text.assemble(("✗ ", "red"), f"{one.slug}  {why}")


def _failure(one: "Failed", workspace: str) -> list[Text]:
    cells = _many(one.cells, "cell")
    lack = f"{cells} {'lacks' if one.cells == 1 else 'lack'} it"
    blocks = f"blocks {_many(one.blocks, 'stage')} of {cells}" if one.blocks else lack
    return [failure(one), Text(f"  {blocks}; log: {workspace}/{one.log}", style="dim")]


def _commands(status: "Status", at_most: int | None) -> list[Text]:
    """Latest first, and those that are done last: they take a line each, where somebody watches only a few of them."""
    found: list[Text] = []
    told = {one.again for one in status.failed}
    done = [one for one in status.commands if one.tally.done == one.tally.stages]
    for one in status.commands:
        alone = one.tally == status.tally  # what stands above is all about it
        if one not in done and not (alone and one.words in told):
            found += _command(one)[: 1 if alone else 2]
    shown = done[:at_most]
    found += [
        Text.assemble(("✓ ", "green"), f"{_typed(one.words)}  ", (_many(one.tally.stages, "stage"), "dim"))
        for one in shown
    ]
    return found + _more(len(done) - len(shown), "done")


def _command(one: "Asked") -> list[Text]:
    sign = ("● ", "cyan") if one.tally.running else ("✗ ", "red") if one.tally.failed else ("○ ", "")
    return [Text.assemble(sign, _typed(one.words)), Text.assemble("  ", summary(one.tally))]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _more(count: int, what: str) -> list[Text]:
    return [Text(f"  … and {count} more {what}", style="dim")] if count > 0 else []


def _typed(words: Sequence[str]) -> str:
    return shlex.join(words)
