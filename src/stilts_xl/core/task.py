"""A task: something that can be learned or tested, described by data and one row function a source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stilts_xl.core.example import Example

Row = Mapping[str, Any]
ToExample = Callable[[Row, str], Example | None]
"""(raw row, language) -> example, or None where the official set leaves the row out."""


@dataclass(frozen=True)
class Files:
    """One official file layout below the data root."""

    format: str
    """A reader of data/formats.py, as squad_json or tsv."""
    paths: Mapping[str, str | tuple[str, ...]]
    """Split -> path below the root, or several that are read together, all of which must be there.

    {lang} stands for the language, {iso3} and {flores} for its codes in Tatoeba and FLORES, {context} and {question} for
    the two halves of a pair such as 'de-en'. '*' matches within one folder or file name: every match is read, in order.
    """
    columns: tuple[str, ...]
    """Fields that every row must have; for 'tsv' they name the columns in order."""
    example: ToExample
    optional: tuple[str, ...] = ()
    """Fields that may be absent (labels that a publisher strips)."""
    label_file: str = ""
    """Path of a JSON file below the root that lists the labels, where they are not the task's own."""
    held_out: int = 0
    """For text without official splits: every so many-th row is validation, the others train; 0 for none."""


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
    revision: str
    """The commit; a branch is resolved to one at the first contact, which the lock file then keeps."""
    keep: Callable[[Row, str], bool] | None = None
    """(row, language) -> whether the row belongs; for copies that mix languages."""
    prepare: Callable[[list[Row]], list[Row]] | None = None
    """All rows of a split -> the rows of the task, where a row of the copy is not one example."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """Language -> what stands for {lang} in this copy, where that is not the language itself."""
    deviation: str = ""
    """In what this copy differs from the official data; shown with every result made from it."""


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
    """A name in metrics/scores.py: what prediction rows are worth."""
    files: tuple[Files, ...]
    hub: Hub | None
    licence: str
    citation: str
    homepage: str
    sizes: str
    """Published sizes, for people."""
    labels: tuple[str, ...] = ()
    """Empty where there are none, or where the training data bring them."""
    train_on: str = ""
    """The task whose English training data are borrowed; empty when it has its own."""
    revision: int = 1
    """Raised when the same files give other examples; part of every key."""
    check_train: Callable[[str, list[Row]], str] | None = None
    """(language, raw training rows) -> what is wrong with them as a whole, or ''."""
    parts: tuple[str, ...] = ()
    """Tasks whose rows together are this task's, under one head."""
    train_languages: tuple[str, ...] = ("en",)
    """Languages whose rows train: English, or for running text every one that is present."""
    extra_languages: tuple[str, ...] = ()
    """Languages (or pairs) that are predicted only when they are asked for by name."""
    variants: Mapping[str, Callable[[Row], Row]] = field(default_factory=dict)
    """Name -> a change to raw rows that a protocol may ask for."""
    tune_on: str = ""
    """The split of the same language on which a threshold is fitted before any other is predicted."""
    hidden_splits: tuple[str, ...] = ()
    """Splits whose labels were never published: predicted on request, never chosen by a protocol."""
    where: str = ""
    """How to come by the data where no download is public; part of the error when they are absent."""

    @property
    def source_task(self) -> str:
        """The name of the task whose rows train this one."""
        return self.train_on or self.name

    @property
    def learns(self) -> bool:
        """Whether there is anything to train; sentence retrieval has no training data."""
        return self.kind != "retrieve"

    def has_split(self, split: str) -> bool:
        """Whether any layout knows the split."""
        return any(split in layout.paths for layout in self.files)
