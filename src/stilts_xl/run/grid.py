"""A grid of chains: those whose data and models are here, and every stage of them once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.request import Request
from stilts_xl.core.stage import Stage, Train, trainings
from stilts_xl.core.study import stages
from stilts_xl.run.plan import missing_stages
from stilts_xl.run.resolve import Chain, resolver


def resolve_all(requests: Iterable[Request]) -> tuple[list[Chain], list[str]]:
    """The chains that can be made, and why the others cannot, each reason once."""
    resolve = resolver()
    chains, lacking = [], []
    for request in requests:
        try:
            chains.append(resolve(request))
        except Mistake as fault:
            lacking.append(str(fault))
    return chains, list(dict.fromkeys(lacking))


def grid_stages(chains: Sequence[Chain]) -> tuple[Stage, ...]:
    """Every stage of the grid once, what it stands on before it."""
    return stages(goal for chain in chains for goal in chain.goals)


def todo_of(chains: Sequence[Chain]) -> tuple[Stage, ...]:
    """The stages to make, the trainings that most others stand on first.

    Every artifact that will be used is read byte by byte; broken ones are made again.
    """
    goals = tuple(goal for chain in chains for goal in chain.goals)
    missing = missing_stages(goals, Path(chains[0].site.workspace))
    standing = Counter(training for stage in missing for training in trainings(stage))
    depth = {stage: len(trainings(stage)) for stage in missing}

    def rank(stage: Stage) -> tuple[int, int]:
        """A training before what stands on it: that has fewer on top of it, or as many and is deeper."""
        return (-standing[stage], depth[stage]) if isinstance(stage, Train) else (0, depth[stage])

    return tuple(sorted(missing, key=rank))
