"""The scorers as evaluate.Metric, offline; the import takes seconds, so nothing else imports this module."""

from collections.abc import Sequence

import evaluate
from datasets import Features, List, Value

from stilts_xl.core.errors import unknown
from stilts_xl.metrics.scores import SCORERS, score

_SOURCES = {
    "accuracy": "Hu et al. 2020, XTREME, ICML",
    "squad": "Rajpurkar et al. 2016, SQuAD, EMNLP",
    "mlqa": "Lewis et al. 2020, MLQA, ACL",
}


class ScorerMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types, and subclassing is its interface
    """A scorer by its name in SCORERS; ``compute`` takes predictions, references and ``language``."""

    def _info(self) -> evaluate.MetricInfo:
        reference = Value("string") if self.config_name == "accuracy" else List(Value("string"))
        return evaluate.MetricInfo(
            description=f"stilts-xl's scorer '{self.config_name}', in percent, higher is better",
            citation=_SOURCES[self.config_name],
            inputs_description="predictions: strings; references: labels, or a list of gold answers each; language",
            features=Features({"predictions": Value("string"), "references": reference}),
        )

    def _compute(
        self, predictions: Sequence[str], references: Sequence[str | list[str]], language: str = "en"
    ) -> dict[str, float]:
        pairs = enumerate(zip(predictions, references, strict=True))
        rows = [{"id": str(place), "prediction": made, "gold": gold} for place, (made, gold) in pairs]
        return score(self.config_name, rows, language)


def metric(scorer: str) -> ScorerMetric:
    """The scorer as an evaluate.Metric that keeps its rows in memory; raises Mistake for an unknown name."""
    if scorer not in SCORERS:
        raise unknown("scorer", scorer, SCORERS)
    return ScorerMetric(config_name=scorer, keep_in_memory=True)
