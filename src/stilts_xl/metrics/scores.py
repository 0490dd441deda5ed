"""Scores of prediction rows, recomputed from prediction and gold, equal to the reference scorers' to the last digit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from stilts_xl.core.errors import StiltsError, unknown
from stilts_xl.metrics.classification import correct
from stilts_xl.metrics.reading import mlqa, squad, squad_v2
from stilts_xl.metrics.retrieval import f1_of_counts, pair_counts
from stilts_xl.metrics.tagging import Spans, chunk_counts, spans_iob, spans_plain, token_counts

Row = Mapping[str, Any]
"""A row of predictions.jsonl: {'id', 'cluster', 'prediction', 'score', 'gold', ...}; gold None where it is hidden."""
Counts = dict[str, float]
"""What an item adds to the sums that its metrics are made of."""
ITEMS = "items"
"""The count that every item adds 1 to, beside its own."""


@dataclass(frozen=True)
class Metric:
    """How a metric's values are to be read."""

    name: str
    scale: float
    """100 for percentages, 1 for what has a unit of its own."""
    unit: str
    higher: bool
    """Whether higher is better."""


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", 100, "%", higher=True),
        Metric("f1", 100, "%", higher=True),
        Metric("exact_match", 100, "%", higher=True),
        Metric("precision", 100, "%", higher=True),
        Metric("recall", 100, "%", higher=True),
        Metric("loss", 1, "nats per masked token", higher=False),
    )
}


@dataclass(frozen=True)
class Ratio:
    """A metric, unscaled, as a ratio of two sums over items."""

    of: tuple[str, ...]
    """Counts that are added; one that stands here twice counts twice."""
    over: tuple[str, ...]


@dataclass(frozen=True)
class Scorer:
    """What predictions are worth."""

    counts: Callable[[Row, str], Counts]
    """(a row with gold, language) -> the item's counts."""
    values: Callable[[Counts], dict[str, float]]
    """Sums of the counts over all items -> {metric: value}, each in the reference's order of operations."""
    ratios: Mapping[str, Ratio]
    """The same metrics as ratios, for their spread."""
    empty_gold: bool = False
    """An empty gold is a value: no translation, nothing masked. Elsewhere it is hidden, as None is."""


def item_counts(scorer: str, row: Row, language: str) -> Counts:
    """What one row adds to its metrics' sums, recomputed from its prediction and gold; {} where the gold is hidden.

    ``language`` is that of the text, or a pair such as 'de-en', context before question. Raises Mistake for an unknown
    scorer or a language that it has no rules for, StiltsError where a list is not as long as its gold.
    """
    found = _named(scorer)
    gold = row["gold"]
    hidden = gold is None or (not gold and not found.empty_gold)
    return {} if hidden else found.counts(row, language)


def score(scorer: str, rows: Sequence[Row], language: str) -> dict[str, float]:
    """{metric: value}, percentages or the metric's unit; {} when no row has gold.

    Raises StiltsError where some rows have gold and others not. The order of rows moves at most the last digit, and in
    the data's own order that digit is the reference's.
    """
    counts = [item_counts(scorer, row, language) for row in rows]
    unlabelled = [row["id"] for row, count in zip(rows, counts, strict=True) if not count]
    if len(unlabelled) == len(rows):
        return {}
    if unlabelled:
        raise StiltsError(
            f"{len(unlabelled)} of {len(rows)} rows ({language}) have no gold, the first is '{unlabelled[0]}'\n"
            "a score needs all of them or none: look at the source with stilts data check"
        )
    return SCORERS[scorer].values(_sums(counts))


def mean(values: Iterable[float]) -> float:
    """The sum from left to right over the count, as the references add; sum() compensates rounding since Python 3.12."""
    total, count = 0.0, 0
    for value in values:
        total, count = total + value, count + 1
    return total / count


def shares(scorer: str, metric: str, counts: Sequence[Mapping[str, float]]) -> list[float]:
    """What each item contributes to a metric, in its unit; the plain mean is the score.

    The first-order (delta method) linearisation of the ratio of sums, so that the spread of the shares gives the
    score's standard error, and that of their differences over the same items the error of a difference. ``counts`` may
    hold more than the counts. All are 0 where the denominator is.
    """
    ratios = _named(scorer).ratios
    if metric not in ratios:
        raise unknown(f"metric of '{scorer}'", metric, ratios)
    ratio, scale = ratios[metric], METRICS[metric].scale
    tops, bottoms = ([_amount(names, count) for count in counts] for names in (ratio.of, ratio.over))
    if not fsum(bottoms):
        return [0.0] * len(counts)
    value, typical = fsum(tops) / fsum(bottoms), fsum(bottoms) / len(bottoms)
    return [scale * (top / typical + value * (1 - bottom / typical)) for top, bottom in zip(tops, bottoms, strict=True)]


def _named(scorer: str) -> Scorer:
    if scorer not in SCORERS:
        raise unknown("scorer", scorer, SCORERS)
    return SCORERS[scorer]


def _amount(names: tuple[str, ...], count: Mapping[str, float]) -> float:
    return sum(1 if name == ITEMS else count[name] for name in names)


def _sums(counts: Sequence[Counts]) -> Counts:
    """Left to right and one by one as the references add; sum() has compensated rounding errors since Python 3.12."""
    sums = dict.fromkeys(counts[0], 0.0)
    for count in counts:
        for name, value in count.items():
            sums[name] += value
    return sums | {ITEMS: len(counts)}


def _label(row: Row, language: str) -> Counts:
    return {"correct": correct(row["prediction"], row["gold"])}


def _nearest(row: Row, language: str) -> Counts:
    return {"correct": float(row["prediction"] in row["gold"])}


def _mlqa(row: Row, language: str) -> Counts:
    return mlqa(row["prediction"], row["gold"], language.partition("-")[0])


def _chunks(row: Row, spans: Spans) -> Counts:
    return chunk_counts(*_as_long(row), spans)


def _masked(row: Row, language: str) -> Counts:
    return token_counts(*_as_long(row)) | {"loss": -row["log_likelihood"]}


def _as_long(row: Row) -> tuple[Sequence[str], Sequence[str]]:
    """(prediction, gold), which must have the same number of tags or pieces."""
    made, wanted = len(row["prediction"]), len(row["gold"])
    if made != wanted:
        raise StiltsError(
            f"the prediction of '{row['id']}' has {made} parts, its gold {wanted}\n"
            "each word needs one tag: predict again, or mend the file that was given"
        )
    return row["prediction"], row["gold"]


def _accuracy(sums: Counts, over: str = ITEMS) -> dict[str, float]:
    """XTREME evaluate.py; over words, seqeval's accuracy_score."""
    return {"accuracy": _quotient(sums["correct"], sums[over]) * 100}


def _answers(sums: Counts) -> dict[str, float]:
    """evaluate-v1.1.py and its descendants."""
    return {name: 100.0 * sums[name] / sums[ITEMS] for name in ("f1", "exact_match")}


def _pairs(sums: Counts) -> dict[str, float]:
    """XTREME evaluate.py for BUCC; the same expressions as seqeval's for chunks."""
    hits, predicted, gold = sums["hits"], sums["predicted"], sums["gold"]
    return {
        "f1": f1_of_counts(hits, predicted, gold) * 100,
        "precision": _quotient(hits, predicted) * 100,
        "recall": _quotient(hits, gold) * 100,
    }


def _quotient(top: float, bottom: float) -> float:
    return top / bottom if bottom else 0.0


ACCURACY = {"accuracy": Ratio(("correct",), (ITEMS,))}
ANSWERS = {"f1": Ratio(("f1",), (ITEMS,)), "exact_match": Ratio(("exact_match",), (ITEMS,))}
PAIRS = {
    "f1": Ratio(("hits", "hits"), ("predicted", "gold")),
    "precision": Ratio(("hits",), ("predicted",)),
    "recall": Ratio(("hits",), ("gold",)),
}
TOKENS = {"accuracy": Ratio(("correct",), ("words",))}
LOSS = {"loss": Ratio(("loss",), ("words",))}


def _tagging(spans: Spans) -> Scorer:
    return Scorer(
        counts=lambda row, language: _chunks(row, spans),
        values=lambda sums: _pairs(sums) | _accuracy(sums, "words"),
        ratios=PAIRS | TOKENS,
    )


SCORERS: Mapping[str, Scorer] = {
    "accuracy": Scorer(_label, _accuracy, ACCURACY),
    "squad": Scorer(lambda row, language: squad(row["prediction"], row["gold"]), _answers, ANSWERS),
    "squad_v2": Scorer(lambda row, language: squad_v2(row["prediction"], row["gold"]), _answers, ANSWERS),
    "mlqa": Scorer(_mlqa, _answers, ANSWERS),
    "udpos": _tagging(spans_plain),
    "panx": _tagging(spans_iob),
    "ccg": Scorer(
        counts=lambda row, language: token_counts(*_as_long(row)),
        values=lambda sums: _accuracy(sums, "words"),
        ratios=TOKENS,
    ),
    "bucc": Scorer(
        counts=lambda row, language: pair_counts(row["prediction"], row["gold"]),
        values=_pairs,
        ratios=PAIRS,
        empty_gold=True,
    ),
    "nearest": Scorer(_nearest, _accuracy, ACCURACY),
    "masked": Scorer(
        counts=_masked,
        values=lambda sums: {"loss": _quotient(sums["loss"], sums["words"])} | _accuracy(sums, "words"),
        ratios=LOSS | TOKENS,
        empty_gold=True,
    ),
}
"""By the name a task gives as its ``scorer``.

accuracy: a label each. squad, squad_v2, mlqa: an answer each, gold a list of texts. udpos, panx, ccg: a list of tags
each. bucc: a candidate's id or '' each, gold a list of ids. nearest: a candidate's id each, gold a list of ids. masked:
a list of pieces each, and in 'log_likelihood' the summed natural log-probability of the masked ones.
"""
