"""Inputs: a micro-batch as the model takes it, without padding."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Inputs:
    """Sequences one after another. A sequence is one segment, or several that belong together (the options of a question)."""

    ids: torch.Tensor
    """[tokens] sub-token ids of all segments, one after another."""
    lengths: list[int]
    """Tokens of each segment."""
    counts: list[int]
    """Segments of each sequence."""
    chosen: torch.Tensor | None
    """[chosen] indices of the tokens that a head for tokens looks at; None for all of them."""
    picked: list[int]
    """Chosen tokens of each sequence; empty where all are."""

    @property
    def starts(self) -> torch.Tensor:
        """[segments] index of each segment's first token."""
        lengths = torch.tensor(self.lengths)
        return (lengths.cumsum(0) - lengths).to(self.ids.device)

    def rows(self, per_token: bool) -> list[int]:
        """How many rows of a head's output belong to each sequence."""
        if not per_token:
            return self.counts
        if self.chosen is not None:
            return self.picked
        ends = torch.tensor(self.lengths).cumsum(0)[torch.tensor(self.counts).cumsum(0) - 1].tolist()
        return [end - before for before, end in zip([0, *ends], ends, strict=False)]
