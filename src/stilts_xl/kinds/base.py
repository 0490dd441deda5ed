"""What a kind of problem must know: encode, head, loss, decode. A module that has these functions is a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.example import Example
from stilts_xl.core.recipe import Recipe
from stilts_xl.model.heads import Head
from stilts_xl.model.inputs import Inputs

Indices = NDArray[np.int64]
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Encoded:
    """Examples as sequences of sub-tokens; a long passage makes several sequences of one example."""

    tokens: list[Ids]
    """Sub-token ids of each sequence, special tokens included."""
    owner: Indices
    """[sequences] index of the example that each sequence belongs to."""
    targets: list[Indices]
    """What the loss needs of each sequence; the batch's loss is a mean over all of them. Empty where nothing is learned."""
    truncated: int
    """Examples of which something was cut off for good."""
    segments: list[list[int]] | None = None
    """Tokens of each of a sequence's segments; None where a sequence is one."""
    chosen: list[Indices] | None = None
    """Places in each sequence that the head looks at; None for all, or for heads that look at first tokens."""
    detail: Any = None
    """What the same kind's functions need, opaque to everyone else."""

    @cached_property
    def lengths(self) -> Indices:
        """[sequences] sub-tokens of each sequence."""
        return np.array([len(ids) for ids in self.tokens], dtype=np.int64)

    def costs(self, layout: str) -> Indices:
        """[sequences] tokens that are computed for each alone: where segments are padded, all are as long as the longest."""
        if self.segments is None or layout == "packed":
            return self.lengths
        return np.array([max(lengths) * len(lengths) for lengths in self.segments], dtype=np.int64)


@dataclass(frozen=True)
class Decoded:
    """A prediction and the model's own score for it (log-odds or logit sum; comparable within one model only)."""

    prediction: str | list[str]
    score: float
    extras: Mapping[str, Any] = field(default_factory=dict)
    """What else the row of this item holds."""


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

    def draw(self, encoded: Encoded, indices: Indices, recipe: Recipe, step: int) -> Encoded:
        """The sequences of a training step's batch, a pure function of the arguments."""

    def head(self, encoder: PreTrainedModel, labels: tuple[str, ...]) -> Head:
        """A new head, not yet initialised."""

    def loss(self, logits: torch.Tensor, inputs: Inputs, targets: torch.Tensor) -> torch.Tensor:
        """The sum of the losses of a micro-batch, a scalar; targets: those of its sequences, one after another."""

    def reduce(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What decode needs of the head's output, row by row."""

    def decode(
        self,
        examples: Sequence[Example],
        encoded: Encoded,
        outputs: Sequence[NDArray[np.float32]],
        tokenizer: PreTrainedTokenizerBase,
        labels: tuple[str, ...],
        recipe: Recipe,
    ) -> list[Decoded]:
        """One prediction an example, in the examples' order; outputs: the reduced rows of each sequence."""

    def gold(self, example: Example) -> Any:
        """The gold of an example as a prediction row holds it; None where it is hidden."""


def subset(encoded: Encoded, indices: Indices) -> Encoded:
    """The chosen sequences, in the order of the indices."""
    places = indices.tolist()
    return replace(
        encoded,
        tokens=[encoded.tokens[place] for place in places],
        owner=encoded.owner[indices],
        targets=[encoded.targets[place] for place in places],
        segments=encoded.segments and [encoded.segments[place] for place in places],
        chosen=encoded.chosen and [encoded.chosen[place] for place in places],
    )


def draw(encoded: Encoded, indices: Indices, recipe: Recipe, step: int) -> Encoded:
    """``draw`` of the kinds that learn from the same sequences in every epoch."""
    return subset(encoded, indices)


def loss(logits: torch.Tensor, inputs: Inputs, targets: torch.Tensor) -> torch.Tensor:
    """``loss`` of the kinds with one target a row: summed cross-entropy. logits: [rows, classes]; targets: [rows]."""
    return cross_entropy(logits.float(), targets, reduction="sum")


def reduce(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """``reduce`` of the kinds that decode from all logits."""
    return logits


def inputs_of(encoded: Encoded, device: torch.device) -> tuple[Inputs, torch.Tensor]:
    """Encoded sequences as a micro-batch on a device, and their targets one after another."""
    ids = torch.from_numpy(np.concatenate(encoded.tokens)).long().to(device)
    targets = torch.from_numpy(np.concatenate(encoded.targets)).to(device)
    segments = encoded.segments or [[len(sequence)] for sequence in encoded.tokens]
    chosen = None
    if encoded.chosen is not None:
        before = np.cumsum(encoded.lengths) - encoded.lengths
        places = [place + start for place, start in zip(encoded.chosen, before, strict=True)]
        chosen = torch.from_numpy(np.concatenate(places)).to(device)
    lengths = [length for sequence in segments for length in sequence]
    picked = [len(place) for place in encoded.chosen or []]
    return Inputs(ids, lengths, [len(sequence) for sequence in segments], chosen, picked), targets
