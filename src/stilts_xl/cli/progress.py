"""What a person sees on stderr while stages run: a live board on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from threading import Lock
from time import monotonic

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from stilts_xl.cli.board import Board, Row, cropped, duration, natural, number, speed, steps, summary
from stilts_xl.cli.session import Harvest, Running, Session, told
from stilts_xl.core.event import DONE, FAILED, Event, Reporter
from stilts_xl.core.stage import Stage
from stilts_xl.core.tally import Expected

QUIET = 5.0
"""Seconds between two plain lines of one stage."""
SELDOM = 12
"""A plain line with the counts of a grid comes this much more seldom."""
GRID = 30
"""More stages than these are a grid: predictions of one model share a line when they are done."""
LINGER = 2.0
"""Seconds for which the row of a worker stays after its stage, so that rows do not come and go between two stages."""
PULSE = 1.0
"""Seconds between two counts of what is left."""
UNITS = {"check": "split", "predict": "sequence"}
"""What a phase counts; the others count steps."""
NOT_A_STAGE = "check"
"""The phase that precedes all stages: it is not numbered, and an error in it speaks for itself."""
BRIEF = (NOT_A_STAGE, "load", "predict")
"""What is mostly over in no time: a log hears of its beginning only when it lasts."""


@contextmanager
def show(
    todo: Sequence[Stage],
    console: Console | None = None,
    quiet: float = QUIET,
    expected: Expected = lambda stage: None,
) -> Iterator[Reporter]:
    """Yield a reporter for the stages that are to be made, which may run at the same time.

    A stage leaves one line when it reports DONE or FAILED, in a grid the predictions of one model and task together;
    those that still run when the block is left by an exception leave a line that says how far they came.
    """
    console = console or stderr()
    watch = Watch(console, Session(todo, expected), quiet)
    live = Live(
        get_renderable=watch.picture,
        console=console,
        transient=True,
        refresh_per_second=4,
        redirect_stdout=False,  # stdout holds tables, and may go elsewhere
        vertical_overflow="crop",
    )
    with live if console.is_interactive else nullcontext():
        try:
            yield watch.report
        except BaseException:  # Ctrl-C too
            watch.stop()
            raise
        watch.end()


def stderr() -> Console:
    """A console on stderr that may be coloured in a log, but is live on a terminal only."""
    return Console(stderr=True, force_interactive=None if sys.stderr.isatty() else False)


class Watch:
    """Says on one console what the events of all stages tell.

    The display's own thread holds the console while it asks for ``picture``, which therefore waits for nobody.
    """

    def __init__(self, console: Console, session: Session, quiet: float) -> None:
        self._console, self._session, self._quiet = console, session, quiet
        self._numbers: dict[str, int] = {}
        self._running: dict[str, Running] = {}
        self._board, self._below, self._counted = Board(), Text(""), float("-inf")
        self._lock = Lock()

    def report(self, event: Event) -> None:
        """A Reporter."""
        with self._lock:
            before = self._alive()
            if event.phase == "wait":
                self._print(Text(event.message))
            elif event.phase == "lost":
                self._lose(event)
            else:
                self._take(event)
            self._count(due=event.phase == FAILED or self._alive() != before)

    def picture(self) -> RenderableType:
        """The board as it is now: a row a worker, and the counts."""
        width, height = self._console.size
        workers = sorted(self._running.items(), key=lambda item: natural(item[0]))
        shown = [one for _, one in workers if not one.over or monotonic() - one.ended < LINGER]
        return Group(self._board.draw([_row(one) for one in shown], width, height - 2), cropped(self._below))

    def stop(self) -> None:
        """Say how far the stages came that still run."""
        with self._lock:
            self._tell(self._session.give())
            for one in self._running.values():
                if one.place and not one.over:
                    self._fail(one, Event(one.last.stage, FAILED, one.last.step, one.last.total))

    def end(self) -> None:
        """Everything was said that will be."""
        with self._lock:
            self._tell(self._session.give())

    def _take(self, event: Event) -> None:
        place = self._place(event)
        before = self._running.get(place)
        known = before is not None and not before.over and before.last.stage == event.stage
        one = before if before is not None and known else self._begin(event, before)
        if event.phase == FAILED:
            self._fail(one, event)
            return
        if not known:
            self._running = self._running | {place: one}
        if event.phase == DONE:
            self._done(one, event)
        else:
            if event.message:
                self._print(Text(f"{event.stage}  {event.message}"))
            one.take(event)
            self._log(one)

    def _place(self, event: Event) -> str:
        """Whose row an event belongs to: of a worker that died others tell."""
        return event.where or next((place for place, stage in self._alive().items() if stage == event.stage), "")

    def _begin(self, event: Event, before: Running | None) -> Running:
        began, place = monotonic(), ""
        if before is not None and (batch := self._session.batch(before.last.stage)) is not None:
            if batch != self._session.batch(event.stage):
                self._tell(self._session.give([batch]))
            elif before.over == DONE:  # a job goes from one to the next, and tells of it when some of it is done
                began = before.ended
        if event.phase != NOT_A_STAGE:
            place = f"{self._numbers.setdefault(event.stage, len(self._numbers) + 1)}/{self._session.total}"
        one = Running(place, event, began)
        if event.phase in BRIEF:
            one.printed = one.began
        return one

    def _log(self, one: Running) -> None:
        """A plain line, unless there was one a moment ago or the board says it all."""
        if self._console.is_interactive or monotonic() - one.printed < self._quiet:
            return
        one.printed = monotonic()
        row = _row(one)
        place = f"[{one.place}] " if one.place else ""
        at = f"{row.worker}  " if row.worker else ""
        unit = f"{row.speed} tok/s" if row.speed else ""
        left = f"{row.left} left" if row.left else ""
        self._print(Text(_joined(f"{place}{at}{row.stage}", row.phase, row.step, _loss(one.loss), unit, left)))

    def _done(self, one: Running, event: Event) -> None:
        one.over, one.ended = DONE, monotonic()
        self._session.done(event.stage, one.ended - one.began)
        if self._session.total > GRID and self._session.batch(event.stage) is not None:
            self._session.gather(event.stage, one.began)
            self._tell(self._session.whole())
            return
        unit = UNITS.get(one.last.phase, "step") + ("s" if event.step != 1 else "")
        count = f"{event.step:,} {unit}" if event.step else ""
        loss = _loss(one.loss if event.loss is None else event.loss)
        self._mark("✓", "green", event.stage, count, duration(one.ended - one.began), loss)

    def _fail(self, one: Running, event: Event) -> None:
        one.over, one.ended = FAILED, monotonic()
        self._session.failed(event.stage)
        took, loss = duration(one.ended - one.began), _loss(one.loss if event.loss is None else event.loss)
        at = f"{one.last.phase} {steps(one.last.step, one.last.total)}".rstrip() if one.paces else ""
        why = event.message.removeprefix(f"{event.stage}: ")
        if not why:
            self._mark("✗", "red", event.stage, f"stopped at {at}" if at else "failed at its start", took, loss)
        else:
            self._mark("✗", "red", event.stage, why, f"(at {at}, {took})" if at else "(at its start)")
        self._tell(self._session.whole())

    def _lose(self, event: Event) -> None:
        """A worker died with its job: what ran of it does not run any more."""
        for one in self._running.values():
            if not one.over and self._session.alike(one.last.stage, event.stage):
                one.over = FAILED
                self._tell(self._session.give([self._session.batch(one.last.stage)]))
        if event.message:
            self._mark("!", "yellow", event.stage, event.message)

    def _tell(self, harvests: Sequence[Harvest]) -> None:
        for one in harvests:
            count = f"{len(one.languages)} {'language' if len(one.languages) == 1 else 'languages'}"
            self._mark("✓", "green", f"{one.task} {told(one)}", count, duration(one.ended - one.began), f"by {one.by}")

    def _count(self, due: bool) -> None:
        """Count anew: on the board what is ``due`` or a second old, in the log of a grid once in a while."""
        now, live = monotonic(), self._console.is_interactive
        grid = self._session.total > GRID and self._counted > float("-inf")
        if live and not due and now - self._counted < PULSE:
            return
        if not live and now - self._counted < self._quiet * SELDOM:
            return
        self._counted = now
        times = {
            one.last.stage: (now - one.began, one.left() if one.last.phase in ("train", "predict") else None)
            for one in self._running.values()
            if not one.over and one.place
        }
        self._below = summary(self._session.tally(times))
        if grid and not live:
            self._print(self._below)

    def _alive(self) -> dict[str, str]:
        """Row -> stage, of what runs now."""
        return {place: one.last.stage for place, one in self._running.items() if not one.over}

    def _mark(self, sign: str, style: str, *parts: str) -> None:
        self._print(Text.assemble((f"{sign} ", style), _joined(*parts)))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def _row(one: Running) -> Row:
    event, left = one.last, None if one.over else one.left()
    return Row(
        worker=event.where,
        stage=event.stage,
        phase=one.over or event.phase,
        share=min(1.0, event.step / event.total) if event.total else None,
        step=steps(event.step, event.total),
        loss=number(one.loss),
        speed=speed(event.tokens_per_second),
        left="" if left is None else duration(left),
        faint=bool(one.over),
    )


def _loss(loss: float | None) -> str:
    return "" if loss is None else f"loss {number(loss)}"


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
