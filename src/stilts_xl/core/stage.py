"""Stages: the frozen, nested values whose digest is a key. The DAG is the value."""

from dataclasses import dataclass, field
from functools import cached_property

from stilts_xl.core.identity import digest, write
from stilts_xl.core.recipe import LATER, Recipe, Retrieval

NOT_IDENTITY = {"identity": False}
"""Goes with compare=False: equal stages are those with equal keys."""


@dataclass(frozen=True)
class Data:
    """The rows a stage reads: which task's, which split, and the digest of their source."""

    task: str
    kind: str
    revision: int
    """The task's own revision."""
    split: str
    language: str
    source: str
    """sha256 of the official file, or hub:repo@commit/config/split."""
    limit: int = field(default=0, metadata=LATER)
    """First examples used; 0 for all."""
    variant: str = field(default="", metadata=LATER)
    """A change to the rows that the task knows by this name; empty for none."""
    canonical_text = cached_property(write)


@dataclass(frozen=True)
class Mixture:
    """Several sets of rows under one head: tasks that share their labels, or the languages of running text."""

    task: str
    kind: str
    parts: tuple[Data, ...]

    @property
    def language(self) -> str:
        """The parts' language, or 'all' where they have several."""
        languages = {part.language for part in self.parts}
        return languages.pop() if len(languages) == 1 else "all"


Rows = Data | Mixture


@dataclass(frozen=True)
class Pretrained:
    """A published or local encoder with its tokenizer."""

    source: str
    """sha256 over the folder's model files, or hub:repo@commit."""
    name: str = field(default="", metadata=NOT_IDENTITY, compare=False)


@dataclass(frozen=True)
class Scratch:
    """XLM-R's architecture with random weights."""

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    max_positions: int
    """Position embeddings, two of them XLM-R's offset."""
    dropout: float
    """Hidden and attention dropout."""
    seed: int
    tokenizer: str
    """sha256 over the tokenizer's files."""
    name: str = field(default="scratch", metadata=NOT_IDENTITY, compare=False)


Model = Pretrained | Scratch


@dataclass(frozen=True, eq=False)
class Train:
    """Learn a task's English training set from a model or from what another stage left. Equal are those with equal keys."""

    data: Rows
    validation: Rows | None
    """The rows that choose the best step; None when the last one is kept."""
    start: "Model | Train"
    recipe: Recipe
    revision: int = 1
    """Raised when the engine would train the same values to other weights."""
    canonical_text = cached_property(write)
    digits = cached_property(digest)
    """Its key."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Train) and self.digits == other.digits

    def __hash__(self) -> int:
        return hash(self.digits)


@dataclass(frozen=True, eq=False)
class Predict:
    """Predict one language of a task with a trained model, or search its sentences with any encoder. Equality as Train's."""

    data: Data
    model: "Train | Model"
    revision: int = 1
    retrieval: Retrieval | None = field(default=None, metadata=LATER)
    """How sentences are compared; None for tasks that a head answers."""
    tuning: Data | None = field(default=None, metadata=LATER)
    """The rows on which a threshold is fitted; None where there is none."""
    digits = cached_property(digest)
    """Its key."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Predict) and self.digits == other.digits

    def __hash__(self) -> int:
        return hash(self.digits)


Stage = Train | Predict


def key(stage: Stage | Model) -> str:
    """64 hexadecimal digits: the digest of the stage's canonical JSON."""
    return stage.digits if isinstance(stage, Train | Predict) else digest(stage)


def slug(stage: Stage) -> str:
    """A readable folder name, as 'squad-3f9a1c2e' or 'tydiqa-fi-77ab01c2'."""
    parts = [stage.data.task] if isinstance(stage, Train) else [stage.data.task, stage.data.language]
    return "-".join([*parts, key(stage)[:8]])


def origin(stage: Stage) -> Model:
    """The model that a chain begins with."""
    start: Model | Train | Predict = stage
    while isinstance(start, Train | Predict):
        start = start.model if isinstance(start, Predict) else start.start
    return start


def trainings(stage: Stage) -> tuple[Train, ...]:
    """The trainings that a stage stands on, first one first; a Train ends with itself."""
    found = []
    node: Stage | Model = stage.model if isinstance(stage, Predict) else stage
    while isinstance(node, Train):
        found.append(node)
        node = node.start
    return tuple(reversed(found))
