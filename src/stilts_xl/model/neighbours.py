"""Exact nearest neighbours by cosine, from blocks of the similarity matrix that are computed once for both directions."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray

from stilts_xl.core.errors import Mistake, StiltsError

Array = NDArray[np.float32]
Vectors = Array | torch.Tensor
"""[n, d] on the CPU, of any length: cosines do not depend on it."""
Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

BLOCK_BYTES = 2**27
"""Size of a block of the similarity matrix: 5,792 rows and columns."""
SLACK = 4
"""Candidates beyond the k nearest that the blocks keep, for the rounding of float32 to go wrong among."""
GROUP = 32
"""Neighbouring similarities that are looked at through their maximum. Sides of a block are multiples of it."""
SERIAL_CELLS = 2**15 - 1
"""Tensors of this size torch works on in one thread. The many small steps then run beside each other in threads that do
not wait for one another: on a busy machine, waiting at the end of every step would take longer than all the work."""
RANKED_CELLS = 2**18
"""Products that a thread sums at a time where cosines are computed exactly; they fit a CPU's cache."""
BELOW_ALL = -2.0
NO_KEY = torch.iinfo(torch.int64).min


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest rows of the other side for each row of this one: by cosine, nearest first, then by index."""

    indices: Indices
    """[rows, k]"""
    cosines: Floats
    """[rows, k]"""


@dataclass(frozen=True, eq=False)
class BothWays:
    """Nearest neighbours between two sides, in both directions."""

    forward: Neighbours
    """Of each source among the targets."""
    backward: Neighbours
    """Of each target among the sources."""


def normalised(vectors: Vectors) -> torch.Tensor:
    """Each row divided by its Euclidean norm, in float32 on the rows' device; a row of zeros stays what it is."""
    return torch.nn.functional.normalize(torch.as_tensor(vectors).float(), dim=1, eps=torch.finfo(torch.float32).tiny)


def unify(texts: Sequence[str]) -> tuple[list[str], Indices]:
    """The distinct texts in the order in which they are first seen, and for each text the index of its distinct form."""
    forms: dict[str, int] = {}
    index = [forms.setdefault(text, len(forms)) for text in texts]
    return list(forms), np.array(index, dtype=np.int64)


def side_of(block_bytes: int) -> int:
    """Rows, and columns, of a full block of the similarity matrix."""
    return max(isqrt(block_bytes // 4) // GROUP, 1) * GROUP


def nearest(queries: Vectors, candidates: Vectors, device: torch.device, block_bytes: int = BLOCK_BYTES) -> Indices:
    """[n], for each query the index of the candidate with the highest cosine; of bit-equal candidates, the first.

    Copies are put aside before the search, so that no number of them hides the first, or what is nearer than they are.
    What is promised beyond that, and the memory, is as for ``neighbours_both``, and where there are copies, the distinct
    candidates once more on the CPU. The same errors are raised, and StiltsError where there are no candidates.
    """
    _check(queries, candidates, 1)
    if len(queries) and not len(candidates):
        raise StiltsError(
            f"the nearest of 0 candidates was asked for, for {len(queries)} queries\nCheck that side's data."
        )
    theirs = np.asarray(candidates)
    _, form = unify([blake2b(row.tobytes(), digest_size=16).hexdigest() for row in theirs])
    firsts = np.unique(form, return_index=True)[1]
    distinct = theirs if len(firsts) == len(theirs) else theirs[firsts]
    found, _ = _search(queries, distinct, 1, device, block_bytes, backward=False)
    return firsts[found.indices[:, :1].flatten()]


def neighbours_both(
    source: Vectors, target: Vectors, k: int, device: torch.device, block_bytes: int = BLOCK_BYTES
) -> BothWays:
    """The k nearest neighbours by cosine in both directions; k is cut to the size of the side that is searched.

    The blocks propose k + SLACK neighbours of each row from float32 products on ``device``, the lower index first where
    these are equal. The cosines of the proposed are then computed in float64 on the CPU, pair by pair, and decide: a pair
    has the same bits in both directions, with any block and on any device, and equal cosines are ordered by index. So
    the result is exact, unless more than SLACK others lie within float32's rounding (about 1e-6) of a row's k-th cosine:
    the k-th may then be any of these. TF32, which torch leaves off until it is told, must stay off.

    Memory, with b = side_of(block_bytes) and w = min(b, GROUP (k + SLACK)): on ``device`` 5 b^2 bytes for a block, of
    which 4 b^2 are block_bytes, 24 b w for work on it (but 2 MB a thread on a CPU), 16 b d for its vectors, and
    8 (k + SLACK) for each row of both sides; on the CPU 5 MB a thread, and 64 (k + SLACK) for each row of both sides.

    Raises StiltsError where a vector holds NaN or infinity, and Mistake for k < 1.
    """
    _check(source, target, k)
    forward, backward = _search(source, target, k, device, block_bytes, backward=True)
    return BothWays(forward, backward)


def _check(source: Vectors, target: Vectors, k: int) -> None:
    if k < 1:
        raise Mistake(f"{k} nearest neighbours were asked for\nAsk for 1 or more.")
    if source.shape[1] != target.shape[1]:
        raise StiltsError(
            f"vectors of {source.shape[1]} and of {target.shape[1]} numbers have no cosine\nEmbed both sides with one model."
        )


def _search(
    source: Vectors, target: Vectors, k: int, device: torch.device, block_bytes: int, backward: bool
) -> tuple[Neighbours, Neighbours]:
    """Neighbours of the sources and, if ``backward``, of the targets (else each has none)."""
    ours, theirs = np.asarray(source), np.asarray(target)
    norms = _norms(ours), _norms(theirs)
    ahead, back = _proposed(ours, theirs, k + SLACK, device, side_of(block_bytes), backward)
    return _ranked(ours, theirs, norms, ahead, k), _ranked(theirs, ours, norms[::-1], back, k)


def _norms(vectors: Array) -> Floats:
    """[n], 1 for a row of zeros."""
    norms = np.empty(len(vectors))
    for first in range(0, len(vectors), 256):
        norms[first : first + 256] = np.sqrt(np.square(vectors[first : first + 256], dtype=np.float64).sum(1))
    broken = np.flatnonzero(~np.isfinite(norms))
    if len(broken):
        raise StiltsError(
            f"{len(broken)} of {len(norms)} embeddings hold NaN or infinity, the first is number {broken[0]}\n"
            "The encoder has diverged: train it again with a lower learning rate or in fp32."
        )
    return np.where(norms == 0, 1.0, norms)


def _proposed(
    source: Array, target: Array, keep: int, device: torch.device, side: int, backward: bool
) -> tuple[Indices, Indices]:
    """Indices of the ``keep`` best by float32 similarity, best first, for each source and each target."""
    ahead = min(keep, len(target))
    back = min(keep, len(source)) if backward else 0
    tall, wide = (min(side, _padded(max(len(vectors), 1))) for vectors in (source, target))
    buffer = torch.empty(tall, wide, dtype=torch.float32, device=device)
    forwards = torch.full((len(source), ahead), NO_KEY, device=device)
    backwards = torch.full((len(target), back), NO_KEY, device=device)
    for top in range(0, len(source), tall):
        ours = normalised(torch.as_tensor(source[top : top + tall], device=device))
        for left in range(0, len(target), wide):
            theirs = normalised(torch.as_tensor(target[left : left + wide], device=device))
            block = _similarities(ours, theirs, buffer)
            in_rows = block[: len(ours)].view(len(ours), -1, GROUP)
            _improve(forwards[top : top + tall], in_rows, in_rows.amax(2), left)
            if back:
                in_columns = block[:, : len(theirs)].view(-1, GROUP, len(theirs))
                _improve(backwards[left : left + wide], in_columns.permute(2, 0, 1), in_columns.amax(1).T, top)
    return _indices(forwards).cpu().numpy(), _indices(backwards).cpu().numpy()


def _padded(count: int) -> int:
    return -(-count // GROUP) * GROUP


def _similarities(ours: torch.Tensor, theirs: torch.Tensor, buffer: torch.Tensor) -> torch.Tensor:
    """The block of ours times theirs, in the buffer, with sides filled up to whole groups by what is below any cosine."""
    rows, columns = len(ours), len(theirs)
    block = buffer[: _padded(rows), : _padded(columns)]
    torch.mm(ours, theirs.T, out=block[:rows, :columns])
    block[rows:].fill_(BELOW_ALL)
    block[:, columns:].fill_(BELOW_ALL)
    return block


def _improve(table: torch.Tensor, groups: torch.Tensor, maxima: torch.Tensor, first: int) -> None:
    """Put into a table of keys, [rows, keep] best first, what a block holds for its rows.

    groups: [rows, groups, GROUP] similarities with the neighbours that count from ``first``; maxima: [rows, groups].
    Each of the best lies in one of the ``keep`` groups with the highest maxima, the earlier group where they are equal.
    """
    keep = table.shape[1]
    numbers = torch.arange(maxima.shape[1], device=table.device)
    within = torch.arange(GROUP, device=table.device) + first

    @torch.inference_mode()
    def improve(rows: slice) -> None:
        tops = _keys(maxima[rows], numbers).topk(min(keep, len(numbers))).values
        chosen = _indices(tops).unsqueeze(2)
        similarities = groups[rows].gather(1, chosen.expand(-1, -1, GROUP))
        keys = _keys(similarities, chosen * GROUP + within).flatten(1)
        found = keys.topk(min(keep, keys.shape[1])).values
        table[rows] = torch.cat([table[rows], found], dim=1).topk(keep).values

    serial = max(SERIAL_CELLS // (keep * GROUP), 1)
    _in_parts(improve, len(table), serial if table.device.type == "cpu" else len(table))


def _in_parts(work: Callable[[slice], None], rows: int, step: int) -> None:
    """Do the work for ``step`` rows at a time, in as many threads as torch has."""
    parts = [slice(first, first + step) for first in range(0, rows, step)]
    threads = min(torch.get_num_threads(), len(parts))
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, parts))  # a list, so that what goes wrong is raised
    else:
        for part in parts:
            work(part)


def _keys(similarities: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Integers ordered by similarity, then by lower index: of equal numbers, torch's topk takes whichever it likes.

    The upper half is the similarity in steps of 2^-29, which is finer than float32's where neighbours have it.
    """
    keys = (similarities * 2.0**29).long()
    keys <<= 32
    keys -= indices
    return keys


def _indices(keys: torch.Tensor) -> torch.Tensor:
    return -keys & (2**32 - 1)


def _ranked(ours: Array, theirs: Array, norms: tuple[Floats, ...], found: Indices, k: int) -> Neighbours:
    """The k best of the proposed neighbours [rows, k + SLACK], by their cosines in float64, then by index."""
    cosines = np.empty(found.shape)

    def compute(rows: slice) -> None:
        products = np.multiply(theirs[found[rows]], ours[rows, None], dtype=np.float64).sum(2)
        cosines[rows] = products / (norms[0][rows, None] * norms[1][found[rows]])

    _in_parts(compute, len(found), max(RANKED_CELLS // max(found.shape[1] * ours.shape[1], 1), 1))
    order = np.lexsort((found, -cosines), axis=-1)[:, :k]
    return Neighbours(np.take_along_axis(found, order, 1), np.take_along_axis(cosines, order, 1))
