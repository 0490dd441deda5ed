"""What a kind of problem must know: encode, head, loss, decode. A module that has these functions is a kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.example import Example
from stilts_xl.core.recipe import Recipe
from stilts_xl.model.heads import Head

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """Examples as sequences of sub-tokens; a long passage makes several sequences of one example."""

    tokens: list[NDArray[np.int32]]
    """Sub-token ids of each sequence, special tokens included."""
    owner: Indices
    """[sequences] index of the example that each sequence belongs to."""
    targets: Indices
    """[sequences, k] what the loss needs; no columns when encoded for prediction."""
    truncated: int
    """Examples of which something was cut off for good."""
    detail: Any = None
    """What the same kind's decode needs, opaque to everyone else."""

    @cached_property
    def lengths(self) -> Indices:
        """[sequences] sub-tokens of each sequence."""
        return np.array([len(ids) for ids in self.tokens], dtype=np.int64)


@dataclass(frozen=True)
class Decoded:
    """A prediction and the model's own score for it (log-odds or logit sum; comparable within one model only)."""

    prediction: str
    score: float


class Kind(Protocol):
    """The functions of a kind's module."""

    def encode(
        self,
        examples: Sequence[Example],
        tokenizer: PreTrainedTokenizerBase,
        labels: tuple[str, ...],
        recipe: Recipe,
        training: bool,
    ) -> Encoded:
        """Examples as sequences; with targets when training."""

    def head(self, hidden_size: int, dropout: float, labels: tuple[str, ...]) -> Head:
        """A new head, not yet initialised."""

    def loss(self, logits: torch.Tensor, lengths: list[int], targets: torch.Tensor) -> torch.Tensor:
        """The sum of the losses of the sequences of a micro-batch, a scalar."""

    def split(self, logits: NDArray[np.float32], lengths: list[int]) -> list[NDArray[np.float32]]:
        """The head's output of a micro-batch as one array a sequence."""

    def decode(
        self,
        examples: Sequence[Example],
        encoded: Encoded,
        outputs: Sequence[NDArray[np.float32]],
        tokenizer: PreTrainedTokenizerBase,
        labels: tuple[str, ...],
        recipe: Recipe,
    ) -> list[Decoded]:
        """One prediction an example, in the examples' order."""

    def gold(self, example: Example) -> Any:
        """The gold of an example as a prediction row holds it; None or [] where it is hidden."""
