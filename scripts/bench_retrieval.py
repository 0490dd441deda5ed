"""Bitext mining beside the bare matrix product that it cannot do without: `python scripts/bench_retrieval.py`.

Each size is measured in a process of its own. The two sides take turns: the product of all sources and all targets in
blocks of the same size, into one buffer; and `mine`, which is a product, neighbours in both directions, margins and
greedy selection. Times are medians, the ratio is taken turn by turn. "x two" is the ratio to two products, which is
what a search that computes each direction by itself begins with. Extra memory is what the process's peak rose by in
the first turn of `mine`, before any product: beyond the embeddings, and what a small search has loaded.
"""

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from stilts_xl.model.mining import mine
from stilts_xl.model.neighbours import BLOCK_BYTES, side_of

NOISE = 1.0
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Measured:
    """What one size took."""

    product: float
    mining: float
    ratio: float
    extra_bytes: int
    right: float
    """The share of the sources whose translation was mined."""


def main() -> None:
    """Measure every size and print the table."""
    options = arguments()
    table = Table(
        "sentences", "numbers", "product s", "mine s", "x one", "x two", "extra MB", "whole matrix MB", "right"
    )
    for columns in options.columns:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            found = process.submit(measured, options, columns).result()
        seconds = f"{found.product:.2f}", f"{found.mining:.2f}", f"{found.ratio:.2f}", f"{found.ratio / 2:.2f}"
        memory = f"{found.extra_bytes / 2**20:.0f}", f"{4 * options.rows**2 / 2**20:.0f}"
        table.add_row(f"2 x {options.rows:,}", str(columns), *seconds, *memory, f"{found.right:.1%}")
    console = Console(width=None if os.isatty(1) else 140)
    console.print(
        f"- {options.threads or torch.get_num_threads()} threads, {options.turns} turns, k = {options.neighbours}, "
        f"blocks of {options.block_bytes / 2**20:.0f} MB, torch {torch.__version__}, Gaussian toys",
        highlight=False,
    )
    console.print(table)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Bitext mining beside the bare matrix product")
    parser.add_argument("--rows", type=int, default=20_000, help="sentences on each side")
    parser.add_argument("--columns", type=int, nargs="+", default=[256, 1024], help="sizes of an embedding")
    parser.add_argument("--neighbours", type=int, default=4)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0 leaves torch's own number")
    parser.add_argument("--block-bytes", type=int, default=BLOCK_BYTES)
    return parser.parse_args()


def measured(options: argparse.Namespace, columns: int) -> Measured:
    """Times and peak memory for embeddings of one size."""
    if options.threads:
        torch.set_num_threads(options.threads)
    source, target, order = translations(options.rows, columns)
    mine(source[:500], target[:500], options.neighbours, CPU)
    before = peak_bytes()
    mined = mine(source, target, options.neighbours, CPU, options.block_bytes)
    extra = peak_bytes() - before
    right = float((order[mined.targets] == torch.from_numpy(mined.sources)).sum()) / options.rows
    products, minings = [], []
    for _ in range(options.turns):
        products.append(seconds(lambda: product(source, target, side_of(options.block_bytes))))
        minings.append(seconds(lambda: mine(source, target, options.neighbours, CPU, options.block_bytes)))
    ratio = median(whole / bare for whole, bare in zip(minings, products, strict=True))
    return Measured(median(products), median(minings), ratio, extra, right)


def translations(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random sources, targets that are the sources with noise in another order, and the source of each target.

    They are made in parts, so that making them does not raise the process's peak.
    """
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(rows, columns, generator=generator)
    target = torch.randn(rows, columns, generator=generator).mul_(NOISE)
    order = torch.randperm(rows, generator=generator)
    for first in range(0, rows, 1024):
        target[first : first + 1024] += source[order[first : first + 1024]]
    return source, target, order


def product(source: torch.Tensor, target: torch.Tensor, side: int) -> None:
    """All similarities, in blocks, each of which overwrites the one before."""
    buffer = torch.empty(side, side)
    for ours in source.split(side):  # type: ignore[no-untyped-call]
        for theirs in target.split(side):  # type: ignore[no-untyped-call]
            torch.mm(ours, theirs.T, out=buffer[: len(ours), : len(theirs)])


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_bytes() -> int:
    """The largest memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # kilobytes on Linux


if __name__ == "__main__":
    main()
