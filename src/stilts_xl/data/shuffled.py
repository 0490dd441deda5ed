"""Labels exchanged at random among training rows: a control for what a task teaches beside its texts."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from stilts_xl.core.example import Answer, ChoiceExample, Example, PairExample, SpanExample, TagExample


def shuffled_labels(examples: Sequence[Example], seed: int) -> list[Example]:
    """The examples in their order, each with labels that another one has; as many of each label as before.

    The tags of a sentence change places within it. An answer becomes a stretch of its passage, of as many words between
    spaces, that is drawn at random; which questions have none is exchanged too. Raises ValueError for running text.
    """
    random = Random(f"shuffled labels/{seed}")
    others = list(examples)
    random.shuffle(others)
    return [_with_labels_of(other, example, random) for example, other in zip(examples, others, strict=True)]


def _with_labels_of(other: Example, example: Example, random: Random) -> Example:
    if isinstance(example, PairExample) and isinstance(other, PairExample):
        return replace(example, label=other.label)
    if isinstance(example, ChoiceExample) and isinstance(other, ChoiceExample):
        return replace(example, label=other.label)
    if isinstance(example, TagExample) and example.tags is not None:
        return replace(example, tags=tuple(random.sample(example.tags, len(example.tags))))
    if isinstance(example, SpanExample) and isinstance(other, SpanExample):
        answers = tuple(_anywhere(example.context, answer.text, random) for answer in other.answers)
        return replace(example, answers=answers, impossible=other.impossible)
    raise ValueError(f"{example.id} has no labels to exchange")


def _anywhere(context: str, answer: str, random: Random) -> Answer:
    """A random stretch of a passage with as many words as an answer, or all of it where it is shorter."""
    words = context.split()
    length = min(len(answer.split()), len(words))
    first = random.randint(0, len(words) - length)
    start = 0
    for word in words[:first]:
        start = context.index(word, start) + len(word)
    start = context.index(words[first], start)
    end = start
    for word in words[first : first + length]:
        end = context.index(word, end) + len(word)
    return Answer(context[start:end], start)
