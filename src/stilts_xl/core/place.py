"""Places: where data are on this machine. Never identity; the same bytes elsewhere are the same data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataPlace:
    """Where a run reads its examples."""

    source: str
    """hub, local or sample."""
    root: str
    """The folder of official downloads; empty for hub."""
    lock: str
    """The file that keeps the commits to which Hub revisions were resolved."""
    offline: bool
    """Never open a connection."""
