"""A task: something that can be learned or tested, described by data and one row function a source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stilts_xl.core.example import Example

Row = Mapping[str, Any]
ToExample = Callable[[Row, str], Example | None]
"""(raw row, language) -> example, or None where the official set leaves the row out."""


@dataclass(frozen=True)
class Files:
    """One official file layout below the data root."""

    format: str
    """A reader of data/formats.py: squad_json, jsonl, tsv, tsv_header."""
    paths: Mapping[str, str]
    """Split -> path below the root, with {lang}."""
    columns: tuple[str, ...]
    """Fields that every row must have; for 'tsv' they name the columns in order."""
    example: ToExample
    optional: tuple[str, ...] = ()
    """Fields that may be absent (labels that a publisher strips)."""


@dataclass(frozen=True)
class Hub:
    """The task's copy on the Hugging Face Hub."""

    repo: str
    config: str
    """Configuration name, with {lang}."""
    splits: Mapping[str, str]
    """Our split -> the Hub's."""
    columns: tuple[str, ...]
    example: ToExample
    keep: Callable[[Row, str], bool] | None = None
    """(row, language) -> whether the row belongs; for copies that mix languages."""


@dataclass(frozen=True)
class Task:
    """What a task is. Its name is its file's stem."""

    name: str
    kind: str
    title: str
    languages: tuple[str, ...]
    metrics: tuple[str, ...]
    """Metric names as XTREME prints them; the first one ranks checkpoints."""
    scorer: str
    """A function of metrics/scores.py: prediction rows -> {metric: value}."""
    files: tuple[Files, ...]
    hub: Hub | None
    licence: str
    citation: str
    homepage: str
    sizes: str
    """Published sizes, for people."""
    labels: tuple[str, ...] = ()
    train_on: str = ""
    """The task whose English training data are borrowed; empty when it has its own."""
    revision: int = 1
    """Raised when the same files give other examples; part of every key."""
    check_train: Callable[[str, list[Row]], str] | None = None
    """(language, raw training rows) -> what is wrong with them as a whole, or ''."""

    @property
    def source_task(self) -> str:
        """The name of the task whose rows train this one."""
        return self.train_on or self.name

    def has_split(self, split: str) -> bool:
        """Whether any layout knows the split."""
        return any(split in layout.paths for layout in self.files)
