"""What is wrong with an example, or with a split as a whole, for every shape of example."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stilts_xl.core.example import (
    ChoiceExample,
    Example,
    PairExample,
    SentenceExample,
    SpanExample,
    TagExample,
    TextExample,
)


@dataclass(frozen=True)
class Expected:
    """What an example is held against."""

    labels: tuple[str, ...]
    """Empty where any label will do."""
    train: bool
    """Rows that train must say what is right."""
    first: Example
    """The first example of the split."""

    @cached_property
    def known(self) -> frozenset[str]:
        """The labels, to look in: CCG has more than a thousand."""
        return frozenset(self.labels)


def fault(example: Example, expected: Expected) -> str:
    """'expected …, found …' for the first thing wrong with an example, or ''."""
    return FAULTS[type(example)](example, expected)


def unlabelled(example: Example) -> bool:
    """Whether the publisher hides what is right."""
    return UNLABELLED[type(example)](example)


def fault_of_split(examples: Sequence[Example], train: bool) -> str:
    """The same for what only a whole split shows: ids, and gold that points to other examples.

    Training rows are not matched by id, and official sets repeat some.
    """
    if not train and (repeated := _repeated([(_side(example), example.id) for example in examples])):
        return f"expected ids that occur once, found '{repeated[1]}' twice"
    searched = [example for example in examples if isinstance(example, SentenceExample)]
    if not searched:
        return ""
    if len({example.query for example in searched}) == 1:
        return f"expected queries and candidates, found {'queries' if searched[0].query else 'candidates'} only"
    candidates = {example.id for example in searched if not example.query}
    lost = [name for example in searched for name in example.gold or () if name not in candidates]
    return f"expected the translation of a query among the candidates, found no '{lost[0]}'" if lost else ""


def _side(example: Example) -> bool:
    return isinstance(example, SentenceExample) and example.query


def _repeated(names: list[tuple[bool, str]]) -> tuple[bool, str] | None:
    seen: set[tuple[bool, str]] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _pair(example: PairExample, expected: Expected) -> str:
    if example.label is None and expected.train:
        return "expected a label, found none"
    if example.label is not None and (strange := _strange([example.label], expected)):
        return strange
    if no_text := _no_text(example.text_a, example.text_b):
        return f"expected two texts, found {no_text}"
    if not example.text_a.strip() and not example.text_b.strip():
        return "expected two texts, found both empty"
    return ""


def _span(example: SpanExample, expected: Expected) -> str:
    if no_text := _no_text(example.question, example.context):
        return f"expected a question and its context, found {no_text}"
    if example.impossible and example.answers:
        return f"expected no answer to an impossible question, found {example.answers[0].text!r}"
    if expected.train and not example.answers and not example.impossible:
        return "expected an answer, found none"
    lost = [answer.text for answer in example.answers if answer.start < 0]
    return f"expected the answer in its context, found {lost[0]!r} nowhere in it" if lost else ""


def _tag(example: TagExample, expected: Expected) -> str:
    if not example.words:
        return "expected a sentence, found no words"
    blank = [word for word in example.words if not isinstance(word, str) or not word.strip()]
    if blank:
        return f"expected words with text, found {blank[0]!r}"
    if example.tags is None:
        return "expected a tag for each word, found none" if expected.train else ""
    if len(example.tags) != len(example.words):
        return f"expected a tag for each of {len(example.words)} words, found {len(example.tags)}"
    return _strange(example.tags, expected)


def _choice(example: ChoiceExample, expected: Expected) -> str:
    assert isinstance(expected.first, ChoiceExample), "a task's examples have one shape"
    options = len(expected.first.options)
    if no_text := _no_text(example.prompt, *example.options):
        return f"expected a prompt and its options, found {no_text}"
    if not example.prompt.strip() or not all(option.strip() for option in example.options):
        return "expected a prompt and its options, found one that is empty"
    if len(example.options) < 2:
        return f"expected two options or more, found {len(example.options)}"
    if len(example.options) != options:
        return f"expected {options} options as in the first example, found {len(example.options)}"
    if example.label is None:
        return "expected a label, found none" if expected.train else ""
    if not isinstance(example.label, int) or not 0 <= example.label < options:
        return f"expected a label from 0 to {options - 1}, found {example.label!r}"
    return ""


def _sentence(example: SentenceExample, expected: Expected) -> str:
    if no_text := _no_text(example.text):
        return f"expected a sentence, found {no_text}"
    if not example.text.strip():
        return "expected a sentence, found none"
    if example.gold is not None and not example.query:
        return f"expected no translation of a candidate, found {example.gold!r}"
    return ""


def _text(example: TextExample, expected: Expected) -> str:
    if no_text := _no_text(example.text, example.translation):
        return f"expected text, found {no_text}"
    if not example.text.strip():
        return "expected text, found none"
    assert isinstance(expected.first, TextExample), "a task's examples have one shape"
    if bool(example.translation.strip()) != bool(expected.first.translation.strip()):
        return "expected a translation with every line or with none, found both"
    return ""


def _strange(found: Sequence[str], expected: Expected) -> str:
    """The first label that is not among a task's; a long list of those is not repeated whole."""
    if (
        not expected.labels
        or (strange := next((label for label in found if label not in expected.known), None)) is None
    ):
        return ""
    some, count = expected.labels[:5], len(expected.labels)
    listed = ", ".join(expected.labels) if count <= 30 else f"{', '.join(some)} … ({count:,} in all)"
    return f"expected a label of {listed}, found {strange!r}"


def _no_text(*values: Any) -> str:
    """The first value that is no text, as it would be typed; or ''."""
    return next((repr(value) for value in values if not isinstance(value, str)), "")


FAULTS: Mapping[type, Callable[[Any, Expected], str]] = {
    PairExample: _pair,
    SpanExample: _span,
    TagExample: _tag,
    ChoiceExample: _choice,
    SentenceExample: _sentence,
    TextExample: _text,
}
UNLABELLED: Mapping[type, Callable[[Any], bool]] = {
    PairExample: lambda example: example.label is None,
    SpanExample: lambda example: not example.answers and not example.impossible,
    TagExample: lambda example: example.tags is None,
    ChoiceExample: lambda example: example.label is None,
    SentenceExample: lambda example: example.query and example.gold is None,
    TextExample: lambda example: False,
}
