"""A score: one number with everything needed to say where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A tidy row. Values are percentages, higher is better, but for a loss."""

    model: str
    intermediate: str
    target: str
    language: str
    split: str
    seed: int | None
    """None where nothing was trained."""
    protocol: str
    metric: str
    value: float
    n: int
    """Items scored."""
    key: str
    """The slug of the Predict stage."""
