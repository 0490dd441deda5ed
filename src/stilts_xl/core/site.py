"""A site: where a stage is made on this machine. Never identity."""

from dataclasses import dataclass

from stilts_xl.core.place import DataPlace
from stilts_xl.core.recipe import Compute
from stilts_xl.core.request import ModelChoice


@dataclass(frozen=True)
class Site:
    """Everything that a process needs beside the stage itself."""

    workspace: str
    place: DataPlace
    model: ModelChoice
    """Where the chain's model is found; its bytes are the stage's identity."""
    compute: Compute
    tracker: str
