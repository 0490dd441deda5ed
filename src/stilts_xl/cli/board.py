"""The table of those who work now, and the line below it: aligned, within the width of the terminal, and calm."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from stilts_xl.core.tally import Left, Tally

GAP = 2
"""Blanks between two columns."""
BAR = (6, 30)
"""The fewest and the most columns of a bar."""
NARROW = ("speed", "took", "loss", "left", "step", "phase")
"""What goes from a terminal that is too narrow, first one first; a bar goes before all of them."""
RIGHT = ("step", "loss", "speed", "took", "left")
HEADS = {"speed": "tok/s", "took": "for", "share": ""}
"""The heads that are not the names of the fields."""
COLUMNS = ("worker", "stage", "phase", "share", "step", "loss", "speed", "took", "left")


@dataclass(frozen=True)
class Row:
    """One worker, in words as they are shown; a column in which all rows are empty is left out."""

    worker: str
    stage: str
    phase: str
    share: float | None = None
    """Of the phase that is done, 0 to 1; None where nobody counted."""
    step: str = ""
    loss: str = ""
    speed: str = ""
    took: str = ""
    left: str = ""
    faint: bool = False
    """Whether it is over."""


class Board:
    """Draws rows; a column never becomes narrower again, so that nothing moves to and fro."""

    def __init__(self) -> None:
        self._widths: dict[str, int] = {}

    def draw(self, rows: Sequence[Row], width: int, height: int, bars: bool = True) -> RenderableType:
        """A line a row below a line of heads: no wider than ``width``, no more lines than ``height``."""
        if not rows:
            return Group()
        shown = rows if len(rows) < height else rows[: max(1, height - 2)]
        widths = self._fitted(rows, width, bars)
        table = Table(box=None, show_header=True, header_style="dim", padding=(0, GAP, 0, 0), pad_edge=False)
        for name, columns in widths.items():
            table.add_column(
                HEADS.get(name, name),
                width=columns,
                no_wrap=True,
                overflow="ellipsis",
                justify="right" if name in RIGHT else "left",
            )
        for row in shown:
            cells = [_bar(row, widths[name]) if name == "share" else Text(getattr(row, name)) for name in widths]
            table.add_row(*cells, style="dim" if row.faint else "")
        hidden = len(rows) - len(shown)
        return Group(table, Text(f"… and {hidden} more", style="dim")) if hidden else table

    def _fitted(self, rows: Sequence[Row], width: int, bars: bool) -> dict[str, int]:
        """The columns that fit, and their widths."""
        for name in COLUMNS:
            needed = max(len(getattr(row, name) or "") for row in rows) if name != "share" else 0
            if needed:
                needed = max(needed, len(HEADS.get(name, name)))
                self._widths[name] = max(needed, self._widths.get(name, 0))
        widths = {name: self._widths[name] for name in COLUMNS if name in self._widths}
        room = width - sum(widths.values()) - GAP * len(widths)
        if bars and room >= BAR[0] and any(row.share is not None for row in rows):
            widths["share"] = min(room, BAR[1])
        for name in NARROW:
            if sum(widths.values()) + GAP * (len(widths) - 1) > width:
                widths.pop(name, None)
        over = sum(widths.values()) + GAP * (len(widths) - 1) - width
        if over > 0 and "stage" in widths:
            widths["stage"] = max(1, widths["stage"] - over)
        return {name: widths[name] for name in COLUMNS if name in widths}


def _bar(row: Row, width: int) -> RenderableType:
    if row.share is None:
        return Text("")
    return ProgressBar(total=1.0, completed=row.share, width=width, complete_style="cyan", finished_style="cyan")


def summary(counts: Tally) -> Text:
    """The counts on one line, as '13 of 52 done · 2 running · 37 waiting · about 2m left'."""
    parts = [Text(f"{counts.done:,} of {counts.stages:,} done")]
    for number, word, style in (
        (counts.running, "running", ""),
        (counts.waiting, "waiting", ""),
        (counts.failed, "failed", "red"),
        (counts.blocked, "blocked", "red"),
    ):
        if number:
            parts.append(Text(f"{number:,} {word}", style=style))
    if counts.running or counts.waiting:
        parts.append(Text(time_left(counts.left)))
    return Text(" · ", style="dim").join(parts)


def cropped(text: Text) -> Text:
    """The text on one line of the terminal, whatever its length."""
    copy = text.copy()
    copy.no_wrap, copy.overflow = True, "ellipsis"
    return copy


def time_left(left: Left) -> str:
    """'about 2m 05s left', 'at least 2m 05s left' where some of it is unknown, or 'time left unknown'."""
    if left.seconds is None:
        return "time left unknown"
    return f"{'at least' if left.unknown else 'about'} {duration(left.seconds)} left"


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """What sorts 'cuda:2' before 'cuda:10'."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def duration(seconds: float) -> str:
    """Seconds for people: '45s', '1m 12s', '2h 05m'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def steps(step: int, total: int) -> str:
    """'120/312', '120' where nobody knows of how many, '' where nothing was counted."""
    if total:
        return f"{step:,}/{total:,}"
    return f"{step:,}" if step else ""


def number(loss: float | None) -> str:
    """A loss with three digits."""
    if loss is None:
        return ""
    return f"{loss:.2f}" if loss >= 1 else f"{loss:.3f}"


def speed(tokens: float | None) -> str:
    """Tokens a second: '812', '8.1k', '1.2M'."""
    if tokens is None:
        return ""
    if tokens < 1000:
        return f"{tokens:.0f}"
    return f"{tokens / 1000:.1f}k" if tokens < 1_000_000 else f"{tokens / 1_000_000:.1f}M"
