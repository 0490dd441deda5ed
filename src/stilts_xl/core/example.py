"""Examples: what a task's raw row becomes, one frozen shape per kind of problem."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairExample:
    """One or two texts with a label (kind classify)."""

    id: str
    """Unique within the split; equal across languages where the set is parallel."""
    cluster: str
    """What this item shares with others (an NLI premise), for paired statistics."""
    text_a: str
    text_b: str
    """Empty for a single text."""
    label: str | None
    """None where the publisher hides the test labels."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold answer: its text, and the character where it starts in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question about a passage (kind span)."""

    id: str
    cluster: str
    """The paragraph, as 'article/paragraph'."""
    language: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    """Empty where the publisher hides the test answers."""


Example = PairExample | SpanExample
