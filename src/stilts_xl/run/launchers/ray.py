"""Jobs made on Ray: on this machine, or on all machines of a running cluster, which share the workspace.

A worker is an actor, which keeps its CPUs, its GPUs and its model until it is let go; a task with a GPU would lose its
process after each call. What is sent is text. Nothing is installed on the machines, and no environment is made: a worker
runs the Python that its machine's Ray was started with, the packages that it finds there, and begins in this process's
folder.
"""

import json
import os
import shutil
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

from stilts_xl.core.errors import Mistake
from stilts_xl.core.event import Reporter, from_json
from stilts_xl.core.launch import AUTO, Launch
from stilts_xl.core.recipe import Compute
from stilts_xl.core.stage import slug
from stilts_xl.run.jobs import Done, Job, Make, make_stages
from stilts_xl.run.launchers.base import Ended, Place
from stilts_xl.run.launchers.cluster import begin_here, join, machines, needs, room
from stilts_xl.run.launchers.hand import TALK, Hand
from stilts_xl.run.launchers.letters import job_letter, read_done

NEW = ""
"""The name of a place whose worker is not there yet."""
OFTEN = 0.5
"""Seconds between two questions how far a worker is."""
LAST = 5.0
"""Seconds in which a worker answers the last of them."""
IDLE = 60.0
"""Seconds after which a worker that has nothing to do gives back what it holds."""


@dataclass(eq=False)
class Worker:
    """An actor. What it will answer is a reference, None where nothing was asked."""

    name: str
    hand: Any
    begun: Any
    job: Job | None = None
    outcome: Any = None
    news: Any = None
    kept: str = ""
    """The key of the model that is loaded there."""
    since: float = field(default_factory=time.monotonic)
    """When it had something to do last."""

    @property
    def idle(self) -> bool:
        """Whether it is there and has no job."""
        return self.begun is None and self.job is None


class Ray:
    """A Launcher of actors. A job that is given to a new place goes to the worker that is free first, old or new."""

    def __init__(
        self, launch: Launch, compute: Compute, width: int, report: Reporter, make: Make = make_stages
    ) -> None:
        """For ``width`` jobs at once at most. Raises Mistake where there is no such cluster, or it is too small."""
        if launch.workers == 0:
            raise Mistake(
                "compute.workers=0 makes all in one process, and compute.launcher=ray does not: leave one out"
            )
        self._limit = width if launch.workers == AUTO else min(width, launch.workers)
        self._report, self._make = report, make
        self._workers: list[Worker] = []
        self._waiting: deque[Job] = deque()
        self._over: list[Ended] = []
        self._begun, self._asked = 0, 0.0
        self._folder = "" if launch.address else begin_here()
        if launch.address:
            join(launch.address)
        try:
            self._needs = needs(launch, compute, machines())
        except Mistake:
            self.close()
            raise

    def free(self) -> Sequence[Place]:
        """Workers without a job, then as many new ones as the cluster has room for now, and one if there is none."""
        self._hand_out()
        for worker in [one for one in self._workers if one.idle and time.monotonic() - one.since > IDLE]:
            self._drop(worker)
        coming = sum(worker.begun is not None for worker in self._workers)
        spare, more = coming - len(self._waiting), self._limit - len(self._workers)
        if more > 0:
            more = min(more, max(room(self._needs) - coming, 0 if self._workers else 1))
        kept = [Place(worker.name, worker.kept) for worker in self._workers if worker.idle]
        return [*kept, *[Place(NEW, "")] * (max(0, spare) + max(0, more))]

    def start(self, place: Place, job: Job) -> None:
        """Send the job to its place's worker, or keep it for the first that is free, and begin one if need be."""
        if place.name != NEW:
            self._send(next(worker for worker in self._workers if worker.name == place.name), job)
            return
        self._waiting.append(job)
        if len(self._waiting) > sum(worker.begun is not None for worker in self._workers):
            self._workers.append(self._begin())

    def ended(self, patience: float) -> Sequence[Ended]:
        """Jobs that ended, or whose workers did."""
        over, self._over = self._over, []
        self._hand_out()
        self._listen()
        awaited = {worker.outcome or worker.begun: worker for worker in self._workers if not worker.idle}
        if over or not awaited:
            time.sleep(0 if over else patience)
            return over
        ready, _ = ray.wait(list(awaited), timeout=patience)
        for worker in [awaited[reference] for reference in ready]:
            over += self._take(worker) if worker.job else self._welcome(worker)
        return over

    def stop(self) -> None:
        """Ask every worker to end its job at the next step; a job that is kept for one is not begun."""
        for worker in self._workers:
            worker.hand.stop.options(concurrency_group=TALK).remote()
        self._over += [Ended(job, Done(left=tuple(slug(stage) for stage in job.stages))) for job in self._waiting]
        self._waiting.clear()

    def close(self) -> None:
        """End the workers at once, and Ray where it was begun for them."""
        if ray.is_initialized():
            for worker in self._workers:
                ray.kill(worker.hand)
            ray.shutdown()
        self._workers.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self) -> Worker:
        self._begun += 1
        cpus, gpus = self._needs["CPU"], self._needs["GPU"]
        actor = ray.remote(num_cpus=cpus, num_gpus=gpus, concurrency_groups={TALK: 1}, max_restarts=0)(Hand)
        hand = actor.remote(os.getcwd(), cpus, gpus, self._make)
        return Worker(str(self._begun), hand, hand.begin.remote())

    def _send(self, worker: Worker, job: Job) -> None:
        worker.job, worker.outcome = job, worker.hand.work.remote(json.dumps(job_letter(job)))

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.idle:
                self._send(worker, self._waiting.popleft())

    def _drop(self, worker: Worker) -> None:
        self._workers.remove(worker)
        ray.kill(worker.hand)  # one that the network lost may live

    def _welcome(self, worker: Worker) -> list[Ended]:
        """A new worker is there; or it could not begin, and a job that was kept for one hears of it."""
        _, how = _answer(worker.begun)
        worker.begun, worker.since = None, time.monotonic()
        if not how:
            return []
        self._drop(worker)
        return [Ended(self._waiting.popleft(), None, how)] if self._waiting else []

    def _take(self, worker: Worker) -> list[Ended]:
        """What became of a worker's job, after its last news."""
        assert worker.job is not None
        self._hear(worker, LAST)
        letter, how = _answer(worker.outcome)
        job, worker.job, worker.outcome, worker.since = worker.job, None, None, time.monotonic()
        if how:
            self._drop(worker)
            return [Ended(job, None, how)]
        plain = json.loads(letter)
        self._pass_on(plain["news"])
        worker.kept = plain["kept"]
        return [Ended(job, read_done(plain["done"]))]

    def _listen(self) -> None:
        """Hear what was answered since the last questions, and ask again."""
        if time.monotonic() < self._asked + OFTEN:
            return
        self._asked = time.monotonic()
        for worker in self._workers:
            self._hear(worker, 0)
            if worker.job and worker.news is None:
                worker.news = worker.hand.hear.options(concurrency_group=TALK).remote()

    def _hear(self, worker: Worker, patience: float) -> None:
        if worker.news is not None and ray.wait([worker.news], timeout=patience)[0]:
            lines, _ = _answer(worker.news)
            worker.news = None
            self._pass_on(lines or ())

    def _pass_on(self, lines: Sequence[str]) -> None:
        for event in map(from_json, lines):
            if event is not None:
                self._report(event)


def _answer(reference: Any) -> tuple[Any, str]:
    """(what a worker answered, or None; how it ended where it cannot answer)."""
    try:
        return ray.get(reference), ""
    except OutOfMemoryError:
        return None, "was ended by Ray, for its machine ran out of memory"
    except RayTaskError as error:
        return None, f"failed: {type(error.cause).__name__}: {error.cause}"
    except RayError as error:
        lines = str(error).strip().splitlines()
        return None, f"could not begin: {lines[-1]}" if lines and "creation task" in lines[0] else "died"
