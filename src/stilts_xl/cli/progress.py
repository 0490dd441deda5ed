"""What a person sees on stderr while stages run: a live display on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from stilts_xl.core.event import DONE, FAILED, Event, Reporter

QUIET = 5.0
"""Seconds between two plain lines of one stage."""
UNITS = {"check": "split", "predict": "sequence"}
"""What a phase counts; the others count steps."""
NOT_A_STAGE = "check"
"""The phase that precedes all stages: it is not numbered, and an error in it speaks for itself."""
BRIEF = (NOT_A_STAGE, "load", "predict")
"""What is mostly over in no time: a log hears of its beginning only when it lasts."""


@contextmanager
def show(total_stages: int, console: Console | None = None, quiet: float = QUIET) -> Iterator[Reporter]:
    """Yield a reporter for up to ``total_stages`` stages, which may run at the same time.

    A stage leaves one line when it reports DONE or FAILED; those that still run when the block is left by an
    exception leave a line that says how far they came.
    """
    console = console or stderr()
    bars = _bars(console) if console.is_interactive else None
    watch = Watch(console, total_stages, quiet, bars)
    with bars or nullcontext():
        try:
            yield watch.report
        except BaseException:  # Ctrl-C too
            watch.stop()
            raise


def stderr() -> Console:
    """A console on stderr that may be coloured in a log, but is live on a terminal only."""
    return Console(stderr=True, force_interactive=None if sys.stderr.isatty() else False)


@dataclass
class Pace:
    """How one phase of a stage advances."""

    first: int
    """Its first step seen: a resumed stage does not begin at 0."""
    since: float
    """Monotonic seconds at the first step."""
    latest: int


@dataclass
class Running:
    """What is remembered of a stage between its events."""

    place: str
    """Its place among the stages seen, as '2/11'; '' for what is no stage."""
    last: Event
    began: float
    """Monotonic seconds."""
    printed: float = float("-inf")
    """When its last plain line was printed."""
    loss: float | None = None
    paces: dict[str, Pace] = field(default_factory=dict)
    bar: TaskID | None = None

    def take(self, event: Event) -> None:
        """Note an event; a phase whose steps go back, as in the next validation, is timed afresh."""
        pace = self.paces.get(event.phase)
        if pace is None or event.step < pace.latest:
            self.paces[event.phase] = Pace(event.step, monotonic(), event.step)
        else:
            pace.latest = event.step
        self.last = event
        self.loss = self.loss if event.loss is None else event.loss

    def left(self) -> float | None:
        """Seconds that the rest of the phase takes at its mean pace so far; None while that is unknown."""
        pace = self.paces[self.last.phase]
        done, ahead = pace.latest - pace.first, self.last.total - pace.latest
        return (monotonic() - pace.since) / done * ahead if done > 0 and ahead > 0 else None


class Watch:
    """Draws the events of all stages on one console."""

    def __init__(self, console: Console, total: int, quiet: float, bars: Progress | None) -> None:
        self._console, self._total, self._quiet, self._bars = console, total, quiet, bars
        self._numbers: dict[str, int] = {}
        self._running: dict[str, Running] = {}
        self._lock = Lock()

    def report(self, event: Event) -> None:
        """A Reporter."""
        with self._lock:
            if event.stage not in self._running:
                self._running[event.stage] = self._begin(event)
            running = self._running[event.stage]
            if event.message:
                self._print(Text(f"{event.stage}  {event.message}"))
            if event.phase in (DONE, FAILED):
                self._end(running, event)
            else:
                running.take(event)
                self._draw(running)

    def stop(self) -> None:
        """Say how far the stages came that still run."""
        with self._lock:
            for running in [running for running in self._running.values() if running.place]:
                self._end(running, Event(running.last.stage, FAILED, running.last.step, running.last.total))

    def _begin(self, event: Event) -> Running:
        place = ""
        if event.phase != NOT_A_STAGE:
            place = f"{self._numbers.setdefault(event.stage, len(self._numbers) + 1)}/{self._total}"
        running = Running(place, event, monotonic())
        if event.phase in BRIEF:
            running.printed = running.began
        if self._bars is not None:
            running.bar = self._bars.add_task(
                event.stage, place=running.place, phase="", steps="", loss="", speed="", left=""
            )
        return running

    def _draw(self, running: Running) -> None:
        event, parts = running.last, _parts(running)
        if self._bars is not None and running.bar is not None:
            self._bars.update(running.bar, completed=event.step, total=event.total or None, **parts)
        elif monotonic() - running.printed >= self._quiet:
            running.printed = monotonic()
            place = f"[{running.place}] " if running.place else ""
            self._print(Text(_joined(f"{place}{event.stage}", *parts.values())))

    def _end(self, running: Running, event: Event) -> None:
        del self._running[event.stage]
        if self._bars is not None and running.bar is not None:
            self._bars.remove_task(running.bar)
        took, loss = duration(monotonic() - running.began), running.loss if event.loss is None else event.loss
        if event.phase == DONE:
            unit = UNITS.get(running.last.phase, "step") + ("s" if event.step != 1 else "")
            count = f"{event.step:,} {unit}" if event.step else ""
            self._print(Text.assemble(("✓ ", "green"), _joined(event.stage, count, took, _loss(loss))))
        else:
            where = (
                f"stopped at {running.last.phase} {_steps(running.last)}".rstrip()
                if running.paces
                else "failed at its start"
            )
            self._print(Text.assemble(("✗ ", "red"), _joined(event.stage, where, took, _loss(loss))))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def duration(seconds: float) -> str:
    """Seconds for people: '45s', '1m 12s', '2h 05m'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02}m"


def _parts(running: Running) -> dict[str, Any]:
    event, left = running.last, running.left()
    return {
        "phase": event.phase,
        "steps": _steps(event),
        "loss": _loss(running.loss),
        "speed": _speed(event.tokens_per_second),
        "left": "" if left is None else f"{duration(left)} left",
    }


def _steps(event: Event) -> str:
    if event.total:
        return f"{event.step:,}/{event.total:,}"
    return f"{event.step:,}" if event.step else ""


def _loss(loss: float | None) -> str:
    if loss is None:
        return ""
    return f"loss {loss:.2f}" if loss >= 1 else f"loss {loss:.3f}"


def _speed(tokens: float | None) -> str:
    if tokens is None:
        return ""
    if tokens < 1000:
        return f"{tokens:.0f} tok/s"
    return f"{tokens / 1000:.1f}k tok/s" if tokens < 1_000_000 else f"{tokens / 1_000_000:.1f}M tok/s"


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)


def _bars(console: Console) -> Progress:
    def text(name: str, style: str = "none") -> TextColumn:
        return TextColumn(f"{{task.fields[{name}]}}", style=style, markup=False)

    slug = TextColumn("{task.description}", style="bold", markup=False)
    columns = (text("place", "dim"), slug, text("phase"), BarColumn(bar_width=None))
    numbers = (text("steps"), text("loss"), text("speed"), text("left"))
    return Progress(
        *columns,
        *numbers,
        console=console,
        expand=True,
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,  # stdout holds tables, and may go elsewhere
    )
