"""Ctrl-C: once asks the work to stop where it can go on later, twice stops at once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def graceful(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells whether the user asked to stop; SIGTERM (a cluster's notice) asks the same.

    ``say`` is called from the signal handler, so it must not wait for what the main thread may hold.
    """
    asked: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        say("stopping after this step; Ctrl-C again stops at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
