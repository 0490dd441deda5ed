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
    """Of the passage, and so of its answers."""
    question: str
    context: str
    answers: tuple[Answer, ...]
    """Empty where the publisher hides the test answers, and where there is none."""
    impossible: bool = False
    """The passage does not answer the question (SQuAD v2)."""
    optional: bool = False
    """A model may say that there is no answer: the set has impossible questions, whether this is one or not."""


@dataclass(frozen=True, slots=True)
class TagExample:
    """A sentence whose words each have a tag (kind tag)."""

    id: str
    cluster: str
    """The document where it is known, else the sentence."""
    words: tuple[str, ...]
    tags: tuple[str, ...] | None
    """One a word; None where the publisher hides the test tags."""


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A prompt and its possible continuations or answers (kind choose)."""

    id: str
    cluster: str
    prompt: str
    options: tuple[str, ...]
    """As many for every example of a task."""
    label: int | None
    """0-based index of the right option; None where the publisher hides it."""


@dataclass(frozen=True, slots=True)
class SentenceExample:
    """A sentence of one of the two sides of a search (kind retrieve)."""

    id: str
    """Unique within its side."""
    cluster: str
    text: str
    query: bool
    """Whether its translation is looked for; the other side are the candidates."""
    gold: tuple[str, ...] | None
    """Of a query: ids of its translations among the candidates, () where it has none; None where they are hidden, and for candidates."""


@dataclass(frozen=True, slots=True)
class TextExample:
    """A line of running text, or a line and its translation (kind mlm)."""

    id: str
    cluster: str
    language: str
    text: str
    translation: str
    """Empty for monolingual text."""


Example = PairExample | SpanExample | TagExample | ChoiceExample | SentenceExample | TextExample
