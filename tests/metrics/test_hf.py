"""The evaluate.Metric wrappers give the numbers of the plain functions."""

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.metrics import hf
from stilts_xl.metrics.scores import score


@pytest.mark.parametrize(
    ("scorer", "language", "predictions", "references"),
    [
        ("accuracy", "sw", ["neutral", "entailment", "neutral"], ["neutral", "neutral", "neutral"]),
        ("squad", "ru", ["the red house", "не знаю", ""], [["red house", "house"], ["знаю"], ["x"]]),
        ("mlqa", "zh", ["北京。", "中国北京"], [["北京"], ["北京", "上海"]]),
    ],
)
def test_compute_gives_the_same_numbers(scorer: str, language: str, predictions: list[str], references: list[object]):
    rows = [
        {"id": str(i), "prediction": p, "gold": g} for i, (p, g) in enumerate(zip(predictions, references, strict=True))
    ]
    metric = hf.metric(scorer)
    assert metric.compute(predictions=predictions, references=references, language=language) == score(
        scorer, rows, language
    )


def test_batches_may_be_added_one_by_one():
    metric = hf.metric("accuracy")
    metric.add_batch(predictions=["0", "1"], references=["0", "0"])
    metric.add(prediction="1", reference="1")
    assert metric.compute() == {"accuracy": pytest.approx(200 / 3)}


def test_an_unknown_scorer_is_a_mistake():
    with pytest.raises(Mistake, match="unknown scorer 'bleu'"):
        hf.metric("bleu")
