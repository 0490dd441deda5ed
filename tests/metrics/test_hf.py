"""The evaluate.Metric wrappers give the numbers of the plain functions."""

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.metrics import hf
from stilts_xl.metrics.scores import SCORERS, score

CASES = {
    "accuracy": ("sw", ["neutral", "entailment", "neutral"], ["neutral", "neutral", "neutral"]),
    "squad": ("ru", ["the red house", "не знаю", ""], [["red house", "house"], ["знаю"], ["x"]]),
    "squad_v2": ("en", ["the red house", "", "1999"], [["red house", "house"], [""], [""]]),
    "mlqa": ("zh", ["北京。", "中国北京"], [["北京"], ["北京", "上海"]]),
    "udpos": ("fi", [["NOUN", "SYM", "SYM"], ["VERB"]], [["NOUN", "NOUN", "SYM"], ["VERB"]]),
    "panx": ("yo", [["B-PER", "I-PER"], ["O", "I-LOC"]], [["B-PER", "I-PER"], ["B-LOC", "I-LOC"]]),
    "ccg": ("en", [["N", "N/N"], ["NP"]], [["N", "N"], ["NP"]]),
    "bucc": ("de", ["en-1", "", "en-3", "en-9"], [["en-1"], ["en-2"], [], ["en-9", "en-8"]]),
    "nearest": ("sw", ["4", "7"], [["4"], ["5"]]),
}


@pytest.mark.parametrize("scorer", CASES)
def test_compute_gives_the_same_numbers(scorer: str):
    language, predictions, references = CASES[scorer]
    rows = [
        {"id": str(i), "prediction": p, "gold": g} for i, (p, g) in enumerate(zip(predictions, references, strict=True))
    ]
    found = hf.metric(scorer).compute(predictions=predictions, references=references, language=language)
    assert found == score(scorer, rows, language)
    assert any(0 < value < 100 for value in found.values())


def test_every_scorer_of_texts_is_wrapped():
    assert set(hf.INTERFACES) == set(CASES) == set(SCORERS) - {"masked"}


def test_batches_may_be_added_one_by_one():
    metric = hf.metric("accuracy")
    metric.add_batch(predictions=["0", "1"], references=["0", "0"])
    metric.add(prediction="1", reference="1")
    assert metric.compute() == {"accuracy": pytest.approx(200 / 3)}


def test_an_unknown_scorer_is_a_mistake():
    with pytest.raises(Mistake, match="unknown scorer 'bleu'"):
        hf.metric("bleu")
