"""Jobs made by worker processes of this machine: each has a device of its own, and is started once.

They are forked from one process that has imported everything and done nothing, so that a worker is there at once, also in
place of a dead one, and all of them share what they imported.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from queue import Empty, SimpleQueue
from threading import Thread

from stilts_xl.core.event import Reporter, from_json
from stilts_xl.run.jobs import Done, Job, Make, make_stages
from stilts_xl.run.launchers.base import Ended, Place
from stilts_xl.run.launchers.letters import job_letter, read_done
from stilts_xl.run.launchers.serve import __name__ as SERVE
from stilts_xl.run.launchers.serve import serve

IMPORTED = (SERVE, "transformers.models.xlm_roberta.modeling_xlm_roberta")
"""What workers find imported; the library would load its models' code with the first model."""
GRACE = 5.0
"""Seconds that idle workers get to end by themselves."""


@dataclass(frozen=True)
class Slot:
    """A device of this machine."""

    name: str
    environment: Mapping[str, str]
    """What makes a process see that device only."""


@dataclass(eq=False)
class Worker:
    """A process on a slot."""

    slot: Slot
    process: ForkServerProcess
    letters: "Connection[bytes, bytes]"
    job: Job | None = None
    kept: str = ""
    """The key of the model that is loaded there."""


Said = tuple[Worker, Done | None, str]
"""(worker, what became of its job or None where it ended, the key of the model it holds)."""


class Local:
    """A Launcher of worker processes; a dead one is replaced when its place is needed."""

    def __init__(self, slots: Sequence[Slot], report: Reporter, make: Make = make_stages) -> None:
        """Begin to import what workers need; they are started when there is work for them."""
        self._slots, self._report, self._make = list(slots), report, make
        self._said: SimpleQueue[Said] = SimpleQueue()
        self._workers: dict[str, Worker] = {}
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(list(IMPORTED))
        forkserver.ensure_running()

    def free(self) -> Sequence[Place]:
        """Slots without a job, those with a worker first."""
        idle = [slot for slot in self._slots if not (slot.name in self._workers and self._workers[slot.name].job)]
        begun = sorted(idle, key=lambda slot: slot.name not in self._workers)
        return [Place(slot.name, self._workers[slot.name].kept if slot.name in self._workers else "") for slot in begun]

    def start(self, place: Place, job: Job) -> None:
        """Send the job to the place's worker, a new one where there is none."""
        if place.name not in self._workers:
            slot = next(slot for slot in self._slots if slot.name == place.name)
            self._workers[place.name] = self._begin(slot)
        worker = self._workers[place.name]
        worker.job = job
        self._send(worker, job_letter(job))

    def ended(self, patience: float) -> Sequence[Ended]:
        """The next job that ended, or whose worker did."""
        try:
            worker, done, kept = self._said.get(timeout=patience)
        except Empty:
            return []
        job, worker.job, worker.kept = worker.job, None, kept
        if done is None and self._workers.get(worker.slot.name) is worker:
            del self._workers[worker.slot.name]
        return [Ended(job, done, "" if done else _end_of(worker.process))] if job else []

    def stop(self) -> None:
        """Ask every worker to end its job at the next step."""
        for worker in self._workers.values():
            self._send(worker, {"stop": True})

    def close(self) -> None:
        """End the workers: idle ones by themselves, the others at once."""
        for worker in self._workers.values():
            if worker.job:
                worker.process.kill()
            else:
                self._send(worker, {"end": True})
        for worker in self._workers.values():
            worker.process.join(GRACE)
            worker.process.kill()
            worker.process.join()
        self._workers.clear()

    def _begin(self, slot: Slot) -> Worker:
        ours, theirs = self._context.Pipe()
        arguments = (slot.name, dict(slot.environment), theirs, self._make)
        process = self._context.Process(target=serve, args=arguments, name=f"stilts {slot.name}", daemon=True)
        process.start()
        theirs.close()
        worker = Worker(slot, process, ours)
        Thread(target=self._listen, args=(worker,), name=f"worker {slot.name}", daemon=True).start()
        return worker

    def _listen(self, worker: Worker) -> None:
        try:
            while True:
                line = worker.letters.recv_bytes().decode()
                event = from_json(line)
                if event is not None:
                    self._report(event)
                    continue
                plain = json.loads(line)
                self._said.put((worker, read_done(plain["done"]), plain["kept"]))
        except (EOFError, OSError):  # it has ended
            worker.process.join()
            self._said.put((worker, None, ""))

    def _send(self, worker: Worker, letter: Mapping[str, object]) -> None:
        try:
            worker.letters.send_bytes(json.dumps(letter).encode())
        except OSError:  # it has died, which its listener says
            return


def _end_of(process: ForkServerProcess) -> str:
    code = process.exitcode or 0
    return f"was killed (signal {-code})" if code < 0 else f"ended with exit code {code}"
