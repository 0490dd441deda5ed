"""Row functions that several tasks share: SQuAD's schema and NLI's."""

from collections.abc import Callable
from dataclasses import replace

from stilts_xl.core.example import Answer, PairExample, SpanExample
from stilts_xl.core.task import Row

SQUAD_COLUMNS = ("id", "context", "question", "answers", "paragraph")

NLI_LABELS = ("contradiction", "entailment", "neutral")
"""XTREME's order, which is the order of the classifier's outputs."""
HUB_NLI_LABELS = ("entailment", "neutral", "contradiction")
"""The order of the integers in the Hub's copies of XNLI, MultiNLI, SNLI and ANLI."""


def question(row: Row, language: str) -> SpanExample:
    """A SQuAD row; an answer that does not stand where it should is moved to its nearest occurrence.

    XTREME's test files hold one empty answer a question: that is no answer. An answer that occurs nowhere is kept as it
    is, and refused by the checks.
    """
    context = row["context"]
    pairs = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    answers = tuple(Answer(text, relocate(context, text, start)) for text, start in pairs if text)
    return SpanExample(str(row["id"]), row["paragraph"], language, row["question"], context, answers)


def question_or_none(row: Row, language: str) -> SpanExample:
    """A SQuAD v2 row, whose passage may hold no answer; the Hub's copy says so by giving none."""
    example = question(row, language)
    return replace(example, impossible=row.get("is_impossible", not example.answers), optional=True)


def relocate(context: str, text: str, start: int) -> int:
    """Where ``text`` stands in ``context``: at ``start``, or else at the occurrence nearest to it; -1 if nowhere."""
    if start >= 0 and context[start : start + len(text)] == text:
        return start
    after = context.find(text, max(start, 0))
    before = context.rfind(text, 0, max(start, 0) + len(text))
    found = [place for place in (before, after) if place >= 0]
    return min(found, key=lambda place: abs(place - start), default=-1)


def triple(row: Row) -> str:
    """The cluster of XNLI and MultiNLI, which give three hypotheses to each premise in neighbouring rows."""
    return str(row["row"] // 3)


def nli(
    premise: str, hypothesis: str, label: str, id_field: str = "row", cluster: Callable[[Row], str] = triple
) -> Callable[[Row, str], PairExample | None]:
    """A row function for NLI data from the names of its columns.

    '-' (no majority among the annotators) is left out of the set, as its authors do.
    """

    def example(row: Row, language: str) -> PairExample | None:
        gold = row.get(label)
        if gold in ("-", -1):
            return None
        if isinstance(gold, int):
            gold = HUB_NLI_LABELS[gold] if 0 <= gold < len(HUB_NLI_LABELS) else str(gold)
        named = str(gold) if gold else None
        return PairExample(str(row[id_field]), cluster(row), row[premise], row[hypothesis], named)

    return example
