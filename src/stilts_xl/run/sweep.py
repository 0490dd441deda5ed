"""Do all that is missing for a grid of chains, on this machine and beside other runs of the same workspace."""

from collections.abc import Callable, Sequence

from stilts_xl.core.event import Reporter
from stilts_xl.core.stage import origin
from stilts_xl.run.grid import todo_of
from stilts_xl.run.resolve import Chain
from stilts_xl.run.runner import Made, run_missing


def run_grid(chains: Sequence[Chain], report: Reporter, stopping: Callable[[], bool]) -> Made:
    """Make what is missing, model by model; what fails stops only what stands on it.

    Raises Interrupted where ``stopping``, and Mistake before anything is made for data or settings that cannot be used.
    """
    todo = todo_of(chains)
    sites = {chain.cell.model: chain.site for chain in chains}
    made = Made(0, 0)
    for model, site in sites.items():
        part = tuple(stage for stage in todo if origin(stage) == model)
        if part:
            more = run_missing(part, site, report, stopping, keep_going=True)
            made = Made(made.trained + more.trained, made.predicted + more.predicted, made.failures + more.failures)
    return made
