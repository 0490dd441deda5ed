"""The scorers as evaluate.Metric, offline; the import takes seconds, so nothing else imports this module."""

from collections.abc import Sequence
from dataclasses import dataclass

import evaluate
from datasets import Features, List, Value

from stilts_xl.core.errors import unknown
from stilts_xl.metrics.scores import score


@dataclass(frozen=True)
class Interface:
    """What a scorer takes and where it comes from."""

    predictions: Value | List
    references: Value | List
    citation: str


_TEXT, _TEXTS = Value("string"), List(Value("string"))
INTERFACES = {
    "accuracy": Interface(_TEXT, _TEXT, "Hu et al. 2020, XTREME, ICML"),
    "squad": Interface(_TEXT, _TEXTS, "Rajpurkar et al. 2016, SQuAD, EMNLP"),
    "squad_v2": Interface(_TEXT, _TEXTS, "Rajpurkar et al. 2018, Know What You Don't Know, ACL"),
    "mlqa": Interface(_TEXT, _TEXTS, "Lewis et al. 2020, MLQA, ACL"),
    "udpos": Interface(_TEXTS, _TEXTS, "Hu et al. 2020, XTREME, ICML"),
    "panx": Interface(_TEXTS, _TEXTS, "Hu et al. 2020, XTREME, ICML"),
    "ccg": Interface(_TEXTS, _TEXTS, "Hockenmaier and Steedman 2007, CCGbank, Computational Linguistics 33"),
    "bucc": Interface(_TEXT, _TEXTS, "Zweigenbaum et al. 2018, Third BUCC Shared Task, BUCC"),
    "nearest": Interface(_TEXT, _TEXTS, "Artetxe and Schwenk 2019, LASER, TACL 7"),
}
"""All scorers but 'masked', which scores probabilities too."""


class ScorerMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types, and subclassing is its interface
    """A scorer by its name; ``compute`` takes predictions, references and ``language``, in batches too."""

    def _info(self) -> evaluate.MetricInfo:
        interface = INTERFACES[self.config_name]
        return evaluate.MetricInfo(
            description=f"stilts-xl's scorer '{self.config_name}', in percent, higher is better",
            citation=interface.citation,
            inputs_description=(
                "predictions: a label, an answer, a candidate's id ('' for none) or a list of tags each; references: a"
                " label, or a list of gold answers, ids or tags each; language: of the texts, 'en' if not given"
            ),
            features=Features({"predictions": interface.predictions, "references": interface.references}),
        )

    def _compute(
        self, predictions: Sequence[str | list[str]], references: Sequence[str | list[str]], language: str = "en"
    ) -> dict[str, float]:
        pairs = enumerate(zip(predictions, references, strict=True))
        rows = [{"id": str(place), "prediction": made, "gold": gold} for place, (made, gold) in pairs]
        return score(self.config_name, rows, language)


def metric(scorer: str) -> ScorerMetric:
    """The scorer as an evaluate.Metric that keeps its rows in memory; raises Mistake for a name not in INTERFACES."""
    if scorer not in INTERFACES:
        raise unknown("scorer", scorer, INTERFACES)
    return ScorerMetric(config_name=scorer, keep_in_memory=True)
