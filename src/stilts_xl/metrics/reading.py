"""Exact match and token F1 of answers: SQuAD's rules, with and without unanswerable questions, and MLQA's."""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from unicodedata import category

from stilts_xl.core.errors import unknown

Normaliser = Callable[[str], str]
"""Answer text -> lower-cased tokens joined by single spaces."""

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_SQUAD_ARTICLES = re.compile(r"\b(a|an|the)\b")
_MLQA_ARTICLES = {
    "en": _SQUAD_ARTICLES,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "ar": re.compile("ال"),  # anywhere in a word: the other half of the official pattern, '\sال^', never matches
    "hi": None,
    "zh": None,
}
_IDEOGRAPH = re.compile("([\u4e00-\u9fa5])")

MLQA_LANGUAGES = tuple(_MLQA_ARTICLES)


def squad_normalise(text: str) -> str:
    """SQuAD v1.1's normal form, English rules whatever the language (evaluate-v1.1.py, as XTREME uses it).

    Only ASCII punctuation is deleted, so '。' stays, and a text written without spaces is one token.
    """
    bare = text.lower().translate(_ASCII_PUNCTUATION)
    return " ".join(_SQUAD_ARTICLES.sub(" ", bare).split())


def mlqa_normalise(text: str, language: str) -> str:
    """MLQA's normal form (mlqa_evaluation_v1.py): all Unicode punctuation and the language's articles deleted.

    In Chinese every ideograph is a token of its own. Raises Mistake for a language without rules.
    """
    if language not in _MLQA_ARTICLES:
        raise unknown("MLQA language", language, MLQA_LANGUAGES)
    bare = "".join(character for character in text.lower() if not _is_punctuation(character))
    articles = _MLQA_ARTICLES[language]
    words = articles.sub(" ", bare) if articles else bare
    if language == "zh":
        words = _IDEOGRAPH.sub(r" \1 ", words)
    return " ".join(words.split())


def _is_punctuation(character: str) -> bool:
    return category(character).startswith("P") or character in string.punctuation


def exact_match(prediction: str, gold: str, normalise: Normaliser) -> float:
    """1.0 where the normal forms are equal (two empty ones are), else 0.0."""
    return float(normalise(prediction) == normalise(gold))


def token_f1(prediction: str, gold: str, normalise: Normaliser) -> float:
    """F1 between the bags of tokens, 0 to 1; 0 where nothing is shared, also when both are empty."""
    predicted, wanted = normalise(prediction).split(), normalise(gold).split()
    shared = (Counter(predicted) & Counter(wanted)).total()
    if shared == 0:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def best_over_golds(prediction: str, golds: Sequence[str], normalise: Normaliser) -> dict[str, float]:
    """{'f1', 'exact_match'}, 0 to 1, each the maximum over the gold answers (at least one) for itself."""
    return {
        "f1": max(token_f1(prediction, gold, normalise) for gold in golds),
        "exact_match": max(exact_match(prediction, gold, normalise) for gold in golds),
    }


def squad(prediction: str, golds: Sequence[str]) -> dict[str, float]:
    """F1 and exact match of one answer by SQuAD v1.1's rules: SQuAD, XQuAD, TyDiQA."""
    return best_over_golds(prediction, golds, squad_normalise)


def squad_v2(prediction: str, golds: Sequence[str]) -> dict[str, float]:
    """F1 and exact match of one answer by SQuAD v2's rules (evaluate-v2.0.py), where '' answers that there is none.

    ``golds`` is [''] for an unanswerable question. Gold answers of which normalisation leaves nothing do not count, and
    when none is left the question is unanswerable. An empty answer has F1 1 where none is wanted, unlike in v1.1.
    """
    wanted = [gold for gold in golds if squad_normalise(gold)]
    if not wanted:
        nothing = float(not squad_normalise(prediction))
        return {"f1": nothing, "exact_match": nothing}
    return squad(prediction, wanted)


def mlqa(prediction: str, golds: Sequence[str], language: str) -> dict[str, float]:
    """F1 and exact match of one answer by the rules of the answer's language: MLQA."""
    return best_over_golds(prediction, golds, partial(mlqa_normalise, language=language))
