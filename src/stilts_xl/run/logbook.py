"""The log of each stage that a process makes, and the note of how far it is."""

import os
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from stilts_xl.core.event import DONE, FAILED, Event, Reporter
from stilts_xl.store.notes import Progress, Trouble, drop_progress, drop_trouble, keep_progress, keep_trouble, log_file

SELDOM = 5.0
"""Seconds between two lines of one phase in a log."""
OFTEN = 0.5
"""Seconds between two notes of progress."""


class Logbook:
    """Keeps the events of the stages that this process makes, one stage at a time, and passes them on.

    ``capture``: what libraries write to standard output and error goes to the log of the stage that is made, too.
    """

    def __init__(self, workspace: str, where: str, onward: Reporter, capture: bool) -> None:
        self._workspace, self._where, self._onward, self._capture = Path(workspace), where, onward, capture
        self.slug = ""
        """Of the stage that was begun last."""
        self._phase, self._began, self._since = "", 0.0, 0.0
        self._log: TextIO | None = None
        self._logged = self._noted = float("-inf")

    def begin(self, slug: str) -> None:
        """A stage is about to be made: what was noted of an earlier trial goes, its log is continued."""
        if slug == self.slug and self._log is not None:
            return
        self.end()
        drop_trouble(self._workspace, slug)
        self.slug, self._phase, self._began, self._since = slug, "", time.time(), time.monotonic()
        self._logged = self._noted = float("-inf")
        path = log_file(self._workspace, slug)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._log = path.open("a", encoding="utf-8")
        self._write(f"begin on {socket.gethostname()} {self._where}, process {os.getpid()}")
        if self._capture:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            for descriptor in (1, 2):
                os.dup2(self._log.fileno(), descriptor)

    def report(self, event: Event) -> None:
        """A Reporter."""
        if event.stage == self.slug and self._log is not None:
            self._keep(event)
        self._onward(Event(**(vars(event) | {"where": self._where})))

    def fail(self, message: str) -> None:
        """The stage that was begun last failed; its note and its log say why."""
        self._write(f"failed: {message}")
        log = log_file(self._workspace, self.slug).relative_to(self._workspace)
        keep_trouble(self._workspace, Trouble(self.slug, message, str(log), _now()))

    def end(self) -> None:
        """Nothing is made any more."""
        if self._log is not None:
            drop_progress(self._workspace, self.slug)
            self._log.close()
            self._log = None

    def _keep(self, event: Event) -> None:
        now = time.monotonic()
        news = event.phase != self._phase or event.message or event.phase == DONE
        if news or now - self._logged >= SELDOM:
            self._logged = now
            self._write(_line(event))
        if event.phase not in (DONE, FAILED) and (news or now - self._noted >= OFTEN):
            self._noted = now
            keep_progress(
                self._workspace,
                Progress(
                    event.stage, event.phase, event.step, event.total, event.loss, event.tokens_per_second,
                    self._where, socket.gethostname(), os.getpid(), self._began, now - self._since,
                ),
            )  # fmt: skip
        self._phase = event.phase

    def _write(self, text: str) -> None:
        if self._log is not None:
            self._log.write(f"{_now()}  {text}\n")
            self._log.flush()


def _line(event: Event) -> str:
    steps = f"{event.step:,}/{event.total:,}" if event.total else (f"{event.step:,}" if event.step else "")
    loss = "" if event.loss is None else f"loss {event.loss:.4g}"
    rate = "" if event.learning_rate is None else f"learning rate {event.learning_rate:.3g}"
    speed = "" if event.tokens_per_second is None else f"{event.tokens_per_second:,.0f} tok/s"
    return "  ".join(part for part in (event.phase, steps, loss, rate, speed, event.message) if part)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
