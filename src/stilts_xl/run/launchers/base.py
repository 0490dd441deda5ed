"""What a launcher is: places that make jobs, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stilts_xl.run.jobs import Done, Job


@dataclass(frozen=True)
class Place:
    """Somewhere a job can be made now."""

    name: str
    kept: str
    """The key of the model that is loaded there; empty for none."""


@dataclass(frozen=True)
class Ended:
    """A job that is no longer made."""

    job: Job
    done: Done | None
    """None where its worker died."""
    how: str = ""
    """How the worker died, as 'was killed (signal 9)'."""


class Launcher(Protocol):
    """Makes jobs somewhere. One thread calls it; results never depend on which launcher it is."""

    def free(self) -> Sequence[Place]:
        """Where a job can begin now."""

    def start(self, place: Place, job: Job) -> None:
        """Begin a job at a free place. Raises Mistake where it could never be made there."""

    def ended(self, patience: float) -> Sequence[Ended]:
        """Jobs that have ended since; waits for one, at most ``patience`` seconds."""

    def stop(self) -> None:
        """Ask all jobs to end at their next step."""

    def close(self) -> None:
        """End everything that was started, at once where it still works; may be called twice."""
