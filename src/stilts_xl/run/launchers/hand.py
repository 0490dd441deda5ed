"""What a Ray worker does: it makes one job after another, and meanwhile hears whether to stop and tells how far it is."""

import json
import os
import socket
import traceback
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag

import ray

from stilts_xl.core.event import Event, to_json
from stilts_xl.core.stage import slug
from stilts_xl.run.jobs import Done, Fault, Job, Make, do_job
from stilts_xl.run.launchers.letters import done_letter, read_job
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.quiet import quiet

TALK = "talk"
"""The concurrency group of what is answered while a job is made."""


class Hand:
    """An actor. Its process is ours alone, so that what libraries print can go to the log of the stage that is made."""

    def __init__(self, folder: str, cpus: float, gpus: float, make: Make) -> None:
        """``folder``: where relative paths begin, which a cluster's workers do not know. ``cpus``, ``gpus``: its share."""
        os.chdir(folder)
        os.environ.setdefault("RAYON_NUM_THREADS", f"{cpus:g}")
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray hides the GPUs of others only from those who have one
        quiet()
        self._make, self._memory = make, Memory()
        self._stop, self._news = Flag(), SimpleQueue[str]()
        self._device = f"cuda:{','.join(_gpus())}" if gpus else "cpu"

    def begin(self) -> str:
        """Its host and its device, as soon as it is there."""
        return f"{socket.gethostname()} {self._device}"

    def work(self, letter: str) -> str:
        """Make a job; what became of it, the model that is loaded now, and the news that nobody has asked for."""
        job = read_job(json.loads(letter))
        try:
            done = self._made(job)
        except BaseException:
            traceback.print_exc()  # to the stage's log
            raise
        return json.dumps({"done": done_letter(done), "kept": self._memory.key, "news": self.hear()})

    def hear(self) -> list[str]:
        """Events since the last question, each a line."""
        return [self._news.get() for _ in range(self._news.qsize())]

    def stop(self) -> None:
        """End the job at its next step."""
        self._stop.set()

    def _made(self, job: Job) -> Done:
        if not Path(job.site.workspace).is_dir():
            told = (
                f"{socket.gethostname()} has no folder {Path(job.site.workspace).absolute()}\n"
                "Ray's machines must share the workspace: choose one on a common file system with -w DIR"
            )
            first, *rest = (slug(stage) for stage in job.stages)
            return Done(left=tuple(rest), fault=Fault(first, told, 2, everywhere=True))
        book = Logbook(job.site.workspace, self._device, self._report, capture=True)
        return do_job(job, self._memory, book, self._stop.is_set, self._make)

    def _report(self, event: Event) -> None:
        self._news.put(to_json(replace(event, where=f"{socket.gethostname()} {self._device}")))


def _gpus() -> list[str]:
    return [str(number) for number in ray.get_runtime_context().get_accelerator_ids()["GPU"]]
