"""What the tests of the sample world share: a small world on disk, and larger sets of rows that never leave memory."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from math import log
from pathlib import Path

from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import pin
from stilts_xl.data.world.language import Language, languages
from stilts_xl.data.world.world import World
from stilts_xl.store.files import file_digest
from stilts_xl.tasks.catalog import task_named

SIZES = {"train": 24, "validation": 19, "test": 20, "text": 30}
MANY = World(seed=5, train=900, validation=900, test=900, text=100)
"""For rates, which need more rows than files do."""

Features = Iterable[Hashable]


def english() -> Language:
    """The language in which everything exists."""
    return languages()["en"]


@cache
def loaded(folder: Path, task: str, split: str, language: str) -> Loaded:
    """A split of a world, read as any folder of official files is."""
    place = DataPlace("local", str(folder), "", True)
    data = pin(task_named(task), split, language, place, 0, file_digest)
    assert isinstance(data, Data), f"no {split} file of {task} in {language}: {data}"
    return load(task_named(task), data, place)


def words(text: str) -> list[str]:
    """The words of an English text, without its punctuation."""
    return re.findall(r"[\w']+", text.lower())


def sentences(text: str) -> list[str]:
    """The sentences of an English text."""
    return [found.strip() for found in re.split(r"(?<=[.?])\s", text) if found.strip()]


class NaiveBayes:
    """Which label goes with which features, each counted for itself and smoothed by one."""

    def __init__(self, rows: Sequence[tuple[Features, Hashable]]) -> None:
        self.labels = Counter(label for _, label in rows)
        counts = {label: Counter[Hashable]() for label in self.labels}
        for features, label in rows:
            counts[label].update(set(features))
        self.logs = {
            label: {one: log((count + 1) / (self.labels[label] + 2)) for one, count in counts[label].items()}
            for label in counts
        }
        self.unseen = {label: log(1 / (number + 2)) for label, number in self.labels.items()}

    def score(self, features: Features, label: Hashable) -> float:
        """The logarithm of the label's probability, up to what all labels share."""
        logs, unseen = self.logs[label], self.unseen[label]
        return log(self.labels[label]) + sum(logs.get(one, unseen) for one in set(features))

    def best(self, features: Features) -> Hashable:
        """The most probable label."""
        features = list(features)
        return max(self.labels, key=lambda label: self.score(features, label))


def accuracy(train: Sequence[tuple[Features, Hashable]], test: Sequence[tuple[Features, Hashable]]) -> float:
    """How often such a learner is right about rows that it has not seen."""
    learner = NaiveBayes([(list(features), label) for features, label in train])
    return sum(learner.best(features) == label for features, label in test) / len(test)
