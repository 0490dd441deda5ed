"""The kinds by name."""

from stilts_xl.kinds import classify, span
from stilts_xl.kinds.base import Kind

KINDS: dict[str, Kind] = {"classify": classify, "span": span}
