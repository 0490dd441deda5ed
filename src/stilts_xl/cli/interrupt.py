"""Ctrl-C: once asks the work to stop where it can go on later, twice stops at once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer


@contextmanager
def graceful() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether the user asked to stop; SIGTERM (a cluster's notice) asks the same."""
    asked: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        typer.echo("\nstopping after this step; Ctrl-C again stops at once", err=True)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
