"""Scores of prediction rows, recomputed from prediction and gold by a task's scorer."""

from collections.abc import Callable, Mapping, Sequence
from math import fsum
from typing import Any

from stilts_xl.core.errors import StiltsError, unknown
from stilts_xl.metrics.classification import correct
from stilts_xl.metrics.reading import mlqa, squad

Scorer = Callable[[Any, Any, str], dict[str, float]]
"""(prediction, gold that is not empty, language) -> counts of one item, each 0 to 1."""

SCORERS: Mapping[str, Scorer] = {
    "accuracy": lambda prediction, gold, language: {"correct": correct(prediction, gold)},
    "squad": lambda prediction, gold, language: squad(prediction, gold),
    "mlqa": mlqa,
}
METRIC_OF_COUNT = {"correct": "accuracy", "f1": "f1", "exact_match": "exact_match"}
"""What the mean of a count is called."""


def item_counts(scorer: str, prediction: str, gold: str | Sequence[str] | None, language: str) -> dict[str, float]:
    """What one item adds to its metrics, each 0 to 1; {} when it has no gold.

    'accuracy' takes a label and gives {'correct'}; 'squad' and 'mlqa' take a list of texts and give
    {'f1', 'exact_match'}. Raises Mistake for an unknown scorer, or a language that the scorer has no rules for.
    """
    if scorer not in SCORERS:
        raise unknown("scorer", scorer, SCORERS)
    return SCORERS[scorer](prediction, gold, language) if gold else {}


def score(scorer: str, rows: Sequence[Mapping[str, Any]], language: str) -> dict[str, float]:
    """{metric: percentage over all rows}, whatever their order; {} when no row is labelled.

    A row is {'id', 'prediction', 'gold', ...}. Raises StiltsError where some rows are labelled and others not.
    """
    counts = [item_counts(scorer, row["prediction"], row["gold"], language) for row in rows]
    unlabelled = [row["id"] for row, count in zip(rows, counts, strict=True) if not count]
    if len(unlabelled) == len(rows):
        return {}
    if unlabelled:
        raise StiltsError(
            f"{len(unlabelled)} of {len(rows)} rows ({language}) have no gold, the first is '{unlabelled[0]}'\n"
            "a score needs all of them or none: look at the source with stilts data check"
        )
    return {METRIC_OF_COUNT[name]: 100 * fsum(count[name] for count in counts) / len(rows) for name in counts[0]}
