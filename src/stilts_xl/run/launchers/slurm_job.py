"""What runs in a Slurm job: a training and all predictions of its model, or such predictions alone."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from submitit.core.job_environment import JobEnvironment
from submitit.helpers import DelayedSubmission

from stilts_xl.core.errors import Interrupted, StiltsError
from stilts_xl.core.recipe import Compute
from stilts_xl.core.stage import Stage, Train, slug
from stilts_xl.run.jobs import Fault, Job, do_job
from stilts_xl.run.launchers.letters import job_letter, read_job
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.quiet import quiet
from stilts_xl.run.schedule import POLL

NOTICE = signal.Signals[f"SIG{JobEnvironment.USR_SIG}"]
"""What Slurm sends before the wall time ends, and at many sites before it takes a node away."""
HELD = 1800.0
"""Seconds that a job waits for a stage that another process is making, before it gives its node back."""
GRACE = 600.0
"""Seconds after SIGTERM in which Slurm kills the job."""


class SlurmJob:
    """A job as submitit takes it: a callable that it pickles, and asks for its checkpoint. All that it holds is JSON.

    A notice of the end makes a training stop at its next step and keep a checkpoint; only then does submitit's handler,
    which puts the job back into the queue, hear of it. After SIGTERM alone, which may be a preemption or the user's
    scancel, the job waits to be killed: Slurm itself queues again what it preempts, and not what was cancelled.
    """

    def __init__(self, unit: Job, stood_on: bool) -> None:
        """``unit``: a training with predictions of its model after it, or predictions of one model that is complete.

        ``stood_on``: other jobs begin only when this one succeeds, which they do although a prediction fails.
        """
        self.letter = json.dumps({"unit": job_letter(unit), "stood_on": stood_on})

    def __call__(self) -> None:
        """Make what is missing of the stages. Raises StiltsError where one failed, or is held by others for too long."""
        plain = json.loads(self.letter)
        unit = read_job(plain["unit"])
        quiet()
        with heeding() as heard:
            try:
                make_unit(unit, plain["stood_on"], lambda: bool(heard))
                return
            except StiltsError:
                if not heard:  # otherwise the processes of a training may have died of the same signal
                    raise
        if NOTICE in heard:
            signal.raise_signal(NOTICE)
        time.sleep(GRACE)
        raise StiltsError("stopped after SIGTERM; the same command goes on from the last checkpoint")

    def checkpoint(self) -> DelayedSubmission:
        """What to run when the job begins again: the same, since stages go on from their own checkpoints."""
        return DelayedSubmission(self)


@contextmanager
def heeding() -> Iterator[list[int]]:
    """Yield a list of the signals that asked for an end; whoever handled them before does so again afterwards."""
    heard: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: heard.append(number)) for number in (NOTICE, signal.SIGTERM)
    }
    try:
        yield heard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_unit(unit: Job, stood_on: bool, stopping: Callable[[], bool]) -> None:
    """Make the training, and then the predictions with the model that it left loaded. Raises as SlurmJob's call does."""
    memory = Memory()
    book = Logbook(unit.site.workspace, _where(unit.site.compute), lambda event: None, capture=False)
    training = tuple(stage for stage in unit.stages if isinstance(stage, Train))
    failed = _make(unit, training, memory, book, stopping)
    if not failed:
        failed = _make(unit, unit.stages[len(training) :], memory, book, stopping)
        failed = [] if training and stood_on else failed
    if failed:
        more = f"\n{len(failed) - 1} more failed" if len(failed) > 1 else ""
        raise StiltsError(f"{failed[0].message}{more}")


def _make(
    unit: Job, stages: tuple[Stage, ...], memory: Memory, book: Logbook, stopping: Callable[[], bool]
) -> list[Fault]:
    """Make stages of one model, and wait for those that other processes make; what failed. Raises Interrupted."""
    failed: list[Fault] = []
    since = time.monotonic()
    while stages:
        if stopping():
            raise Interrupted(f"stopped before {slug(stages[0])}")
        done = do_job(replace(unit, stages=stages), memory, book, stopping)
        if done.fault is not None and done.fault.code == Interrupted.exit_code:
            raise Interrupted(done.fault.message)
        if done.fault is not None:
            failed.append(done.fault)
            if done.fault.everywhere:
                break
        elif done.made:
            since = time.monotonic()
        elif done.held and time.monotonic() - since > HELD:
            raise StiltsError(
                f"{done.held[0]}: another process has been making it for {HELD / 60:.0f} minutes\n"
                "stilts status says which; the same command goes on when that has ended"
            )
        elif done.held:
            time.sleep(POLL)
        stages = tuple(stage for stage in stages if slug(stage) in (*done.held, *done.left))
    return failed


def _where(compute: Compute) -> str:
    """The device, for those who watch."""
    if compute.device == "cpu" or not torch.cuda.is_available():
        return "cpu"
    return ":".join(["cuda", *filter(None, [os.environ.get("CUDA_VISIBLE_DEVICES")])])
