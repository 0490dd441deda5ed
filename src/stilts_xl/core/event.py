"""Events: what a running stage tells whoever watches, and their one-line form between processes."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

DONE = "done"
FAILED = "failed"


@dataclass(frozen=True)
class Event:
    """How far a stage is. The last event of a stage has the phase DONE or FAILED."""

    stage: str
    """The stage's slug."""
    phase: str
    """'train', 'validate', 'predict', 'check', …, at the end DONE or FAILED."""
    step: int
    """Steps done in this phase."""
    total: int
    """Steps of this phase; 0 when nobody counted."""
    loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    message: str = ""
    """A line to keep on the screen, such as a validation score."""
    where: str = ""
    """The worker that makes the stage, as 'cuda:1'; empty for this process."""


Reporter = Callable[[Event], None]
"""May be called from several threads, and cheaply once a step."""

_TYPES: dict[str, tuple[type, ...]] = {
    "stage": (str,),
    "phase": (str,),
    "step": (int,),
    "total": (int,),
    "loss": (float, int, type(None)),
    "learning_rate": (float, int, type(None)),
    "tokens_per_second": (float, int, type(None)),
    "message": (str,),
    "where": (str,),
}


def to_json(event: Event) -> str:
    """One line of ASCII without its end."""
    return json.dumps({"event": asdict(event)})


def from_json(line: str) -> Event | None:
    """The event of a line that ``to_json`` made; None for every other line, as a library's warning."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    fields = found.get("event") if isinstance(found, dict) else None
    if not isinstance(fields, dict) or fields.keys() != _TYPES.keys():
        return None
    fits = all(isinstance(fields[name], kinds) for name, kinds in _TYPES.items())
    return Event(**fields) if fits else None
