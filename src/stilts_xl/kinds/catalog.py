"""The kinds that learn, by name; sentence retrieval has no head and nothing to learn."""

from stilts_xl.kinds import choose, classify, mlm, span, tag
from stilts_xl.kinds.base import Kind

KINDS: dict[str, Kind] = {"choose": choose, "classify": classify, "mlm": mlm, "span": span, "tag": tag}
