"""The jobs of a grid: which are ready, which comes first, and what a failure takes with it."""

import time
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Predict, Stage, Train, key, origin, slug
from stilts_xl.run.jobs import Done, Fault, Job
from stilts_xl.store.store import is_complete

POLL = 1.0
"""Seconds between looks at stages that another process makes."""


@dataclass(frozen=True)
class Failure:
    """A stage that could not be made."""

    name: str
    message: str
    blocked: tuple[Stage, ...]
    """Missing stages that stand on it."""
    code: int = 1


@dataclass(frozen=True)
class Made:
    """What a run did."""

    trained: int
    predicted: int
    failures: tuple[Failure, ...] = ()


@dataclass(order=True)
class Node:
    """A job among the jobs that stand on it."""

    rank: tuple[float, ...]
    """What is sorted by: the longest way of trainings above it first, then the most stages above it, then as given."""
    job: Job = field(compare=False)
    above: "list[Node]" = field(default_factory=list, compare=False)
    trials: int = field(default=0, compare=False)
    """How many workers have died of it, or with it."""
    after: float = field(default=0.0, compare=False)
    """Monotonic seconds before which it need not be looked at again."""

    def all_above(self) -> "list[Node]":
        """Every node that stands on this one, directly or not."""
        return [node for direct in self.above for node in (direct, *direct.all_above())]


class Schedule:
    """Which job comes next. A job stands on one other at most, so that the whole is a forest."""

    def __init__(self, todo: Sequence[Stage], sites: Mapping[Model, Site], retries: int) -> None:
        """``todo``: the missing stages, what each stands on before it or complete. ``sites``: by the chains' model."""
        nodes: dict[object, Node] = {}
        self._ready: list[Node] = []
        self._waiting: list[Node] = []
        self._running: dict[Job, Node] = {}
        self._retries = retries
        self.trained = self.predicted = 0
        self.failures: list[Failure] = []
        for job in _jobs(todo, sites):
            node = Node((), job)
            nodes[job.stages[0] if isinstance(job.stages[0], Train) else ("predictions of", job.base)] = node
            below = nodes.get(job.base)
            (below.above if below else self._ready).append(node)
        for place, node in enumerate(reversed(nodes.values())):  # what stands above has its rank already
            way = max((-other.rank[0] for other in node.above), default=0.0)
            above = sum(len(other.job.stages) - other.rank[1] for other in node.above)
            node.rank = (-way - isinstance(node.job.stages[0], Train), -above, -place)
        self._ready.sort()

    @property
    def finished(self) -> bool:
        """Whether every stage is made, failed, or blocked."""
        return not (self._ready or self._waiting or self._running)

    @property
    def held(self) -> list[str]:
        """Stages that another process was making when they were looked at last."""
        return [slug(stage) for node in self._waiting if node.after for stage in node.job.stages]

    def next(self, kept: str = "") -> Job | None:
        """A job that can begin now, or None; predictions of the model with the key ``kept`` come first."""
        now = time.monotonic()
        for node in [node for node in self._waiting if node.after <= now]:
            self._waiting.remove(node)
            insort(self._ready, node)
        if not self._ready:
            return None
        near = (node for node in self._ready if kept and key(node.job.base) == kept)
        chosen = min(near, key=lambda node: (isinstance(node.job.stages[0], Train), node), default=self._ready[0])
        if isinstance(chosen.job.stages[0], Train) and chosen.rank[:1] > self._ready[0].rank[:1]:
            chosen = self._ready[0]
        self._ready.remove(chosen)
        self._running[chosen.job] = chosen
        return chosen.job

    def take(self, job: Job, done: Done) -> None:
        """What became of a job that was given out."""
        node = self._running.pop(job)
        by_name = {slug(stage): stage for stage in job.stages}
        trained = sum(isinstance(by_name[name], Train) for name in done.made)
        self.trained, self.predicted = self.trained + trained, self.predicted + len(done.made) - trained
        if done.fault is not None and done.fault.code != 130:
            self._fail(node, done.fault)
        rest = (*done.held, *done.left)
        if done.fault is not None and done.fault.code == 130:
            rest = (*rest, done.fault.slug)
        if rest:
            again = Job(tuple(stage for stage in job.stages if slug(stage) in rest), job.site)
            held = time.monotonic() + POLL if done.held else 0.0
            self._waiting.append(Node(node.rank, again, node.above, node.trials, held))
        elif done.fault is None:
            for direct in node.above:
                insort(self._ready, direct)

    def lost(self, job: Job, how: str) -> Fault | None:
        """The worker of a job died: it is given out again, or its first stage that is not complete has failed."""
        node = self._running[job]
        node.trials += 1
        workspace = Path(job.site.workspace)
        undone = [slug(stage) for stage in job.stages if not is_complete(workspace, stage)]
        made = tuple(slug(stage) for stage in job.stages if slug(stage) not in undone)
        if node.trials <= self._retries or not undone:
            self.take(job, Done(made, left=tuple(undone)))
            return None
        times = f" {node.trials} times" if node.trials > 1 else ""
        fault = Fault(undone[0], f"the worker that made it {how}{times}", 1)
        self.take(job, Done(made, left=tuple(undone[1:]), fault=fault))
        return fault

    def _fail(self, node: Node, fault: Fault) -> None:
        stage = next(stage for stage in node.job.stages if slug(stage) == fault.slug)
        above = node.all_above() if isinstance(stage, Train) else []
        blocked = tuple(stage for other in above for stage in other.job.stages)
        self.failures.append(Failure(fault.slug, fault.message, blocked, fault.code))


def widest(todo: Sequence[Stage]) -> int:
    """How many jobs can run at the same time at most."""
    below = {stage.start if isinstance(stage, Train) else stage.model for stage in todo}
    predicting = {stage.model for stage in todo if isinstance(stage, Predict)}
    return len(predicting) + sum(isinstance(stage, Train) and stage not in below for stage in todo)


def _jobs(todo: Sequence[Stage], sites: Mapping[Model, Site]) -> list[Job]:
    """Trainings one by one, and predictions by their model, in the order of their first stages."""
    groups: dict[object, list[Stage]] = {}
    for stage in todo:
        groups.setdefault(("predictions of", stage.model) if isinstance(stage, Predict) else stage, []).append(stage)
    return [Job(tuple(stages), sites[origin(stages[0])]) for stages in groups.values()]
