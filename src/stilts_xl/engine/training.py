"""A training as values: lessons, a plan of steps, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stilts_xl.core.recipe import Compute, Recipe
from stilts_xl.kinds.base import Encoded, Kind
from stilts_xl.model.encoder import TaskModel


@dataclass(frozen=True)
class Lesson:
    """One task's training sequences."""

    kind: Kind
    encoded: Encoded
    ids: tuple[str, ...]
    """[examples] their ids, for messages."""


@dataclass(frozen=True)
class Plan:
    """Which sequences of which lesson each step learns from; a pure function, so resuming is going on at a step."""

    total: int
    at: Callable[[int], tuple[str, NDArray[np.int64]]]
    """0-based step -> (lesson and head, indices of its sequences)."""


@dataclass(frozen=True)
class Training:
    """All that one training needs."""

    slug: str
    model: TaskModel
    lessons: Mapping[str, Lesson]
    plan: Plan
    recipe: Recipe
    compute: Compute
    folder: Path
    """Where checkpoints are kept while it runs."""
    validate: Callable[[TaskModel], float] | None
    """Validation score of a model; None when the last step is kept."""
    higher: bool
    """Whether a higher validation score is better; a loss should fall."""
    tracker: str
    """none, or a tracker that accelerate knows: tensorboard, wandb, mlflow."""
    tracking: Path
    """The folder that trackers write to."""


@dataclass(frozen=True)
class Outcome:
    """What a training did."""

    steps: int
    planned: int
    kept_step: int
    """The step whose weights were kept."""
    kept_score: float | None
    """Their validation score; None when the last step is kept unasked."""
    loss: float | None
    """Of the last step that ran in this process; None when none did."""
    tokens: int
    seconds: float
    token_budget: int
    device: str
    precision: str
    """As executed: no (fp32) or bf16."""
