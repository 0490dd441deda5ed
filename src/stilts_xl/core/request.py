"""What was asked for, as values: nothing is resolved to bytes yet, and no configuration is left."""

from collections.abc import Mapping
from dataclasses import dataclass

from stilts_xl.core.launch import Launch
from stilts_xl.core.place import DataPlace
from stilts_xl.core.recipe import Compute, Retrieval
from stilts_xl.core.study import Phase


@dataclass(frozen=True)
class ModelChoice:
    """A model by where it comes from: a folder, the Hub, or sizes to be filled with random weights."""

    name: str
    path: str
    """A Hugging Face folder; empty for none."""
    repo: str
    """Hub repository; empty for none."""
    revision: str
    tokenizer: str
    """For random weights: a folder with a tokenizer, or 'bundled'."""
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    max_positions: int
    dropout: float
    seed: int

    @property
    def from_scratch(self) -> bool:
        """Whether the weights are random."""
        return not self.path and not self.repo


@dataclass(frozen=True)
class Request:
    """One chain and where it runs."""

    model: ModelChoice
    intermediate: str
    """A task's name, or 'none'."""
    target: str
    phases: tuple[Phase, ...]
    languages: tuple[str, ...]
    split: str
    retrieval: Retrieval | None
    """How the target's sentences are compared; None for a target that is trained."""
    tune_on: str
    """The target's split on which a threshold is fitted; empty for none."""
    variants: Mapping[str, str]
    """Task -> the change to its rows that the protocol asks for."""
    protocol: str
    limit: int
    """Examples per split; 0 for all."""
    place: DataPlace
    compute: Compute
    launch: Launch
    tracker: str
    workspace: str
