"""Counts of retrieved sentence pairs, and the threshold above which a mined pair is kept."""

from collections.abc import Sequence

from stilts_xl.core.errors import StiltsError


def pair_counts(prediction: str, gold: Sequence[str]) -> dict[str, float]:
    """One query's {'hits', 'predicted', 'gold'} pairs (XTREME's BUCC).

    ``prediction`` is a candidate's id, or '' for none; ``gold`` the ids of the translations, of which there may be
    none.
    """
    made = prediction != ""
    return {"hits": int(made and prediction in gold), "predicted": int(made), "gold": len(set(gold))}


def fit_threshold(candidates: Sequence[tuple[float, bool]], gold_total: int) -> float:
    """The score that a pair must reach so that F1 over the pairs kept is highest (XTREME's utils_retrieve.py).

    ``candidates`` are (score, whether the pair is right), ``gold_total`` counts the right pairs there are, found or
    not. Pairs are taken by falling score, equal ones in the order given, and the first of equally good cuts is the
    best. The threshold is the mean of the scores on both sides of that cut; pairs on it are kept, so that where a cut
    falls among equal scores all of them are. Where the best cut is the last one, at which the reference fails, the
    threshold is the last score: everything is kept. Where no pair is right it is 0.0, as in the reference. Raises
    StiltsError without any candidate.
    """
    if not candidates:
        raise StiltsError(
            "a threshold was to be fitted, but no candidate pair was found\nlook at the source with stilts data check"
        )
    ranked = sorted(candidates, key=lambda candidate: -candidate[0])
    best = threshold = 0.0
    hits = 0
    for place, (value, right) in enumerate(ranked):
        hits += right
        reached = f1_of_counts(hits, place + 1, gold_total)
        if reached > best:
            best = reached
            threshold = (value + ranked[place + 1][0]) / 2 if place + 1 < len(ranked) else value
    return threshold


def f1_of_counts(hits: float, predicted: float, gold: float) -> float:
    """F1 from counts, 0 to 1, in the reference scorers' order of operations; 0 without a hit."""
    if hits == 0:
        return 0.0
    precision, recall = hits / predicted, hits / gold
    return 2 * precision * recall / (precision + recall)
