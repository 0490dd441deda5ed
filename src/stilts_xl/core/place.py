"""Places: where data are on this machine. Never identity; the same bytes elsewhere are the same data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """What the rows of data=sample are made from."""

    seed: int
    train: int
    """Rows of each task and language, of SQuAD paragraphs with four questions each; the next two are rows too."""
    validation: int
    test: int
    text: int
    """Lines of running text in each language."""


@dataclass(frozen=True)
class DataPlace:
    """Where a run reads its examples."""

    source: str
    """hub, local or sample."""
    root: str
    """The folder of official downloads, or of the sample's files; empty for hub."""
    lock: str
    """The file that keeps the commits to which Hub revisions were resolved."""
    offline: bool
    """Never open a connection."""
    sample: Sample | None = None
    """What to fill the root with where it is not there; None for hub and local."""
