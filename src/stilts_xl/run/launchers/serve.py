"""What a worker process does: it makes the jobs that come through its connection, and answers with events and outcomes."""

import json
import os
from collections.abc import Mapping
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Event as Flag
from threading import Lock, Thread

from stilts_xl.core.event import Event, to_json
from stilts_xl.run.jobs import Job, Make, do_job
from stilts_xl.run.launchers.letters import done_letter, read_job
from stilts_xl.run.logbook import Logbook
from stilts_xl.run.memory import Memory
from stilts_xl.run.quiet import quiet


def serve(where: str, environment: Mapping[str, str], letters: "Connection[bytes, bytes]", make: Make) -> None:
    """Make jobs until the connection ends; its end, too, stops a job at its next step: nobody waits for it any more.

    ``environment`` is set before anything looks for a device. What libraries print goes to the log of the stage that is
    made. A session of its own keeps Ctrl-C away: the sweep hears it, and asks its workers to stop.
    """
    os.setsid()
    os.environ.update(environment)
    jobs: SimpleQueue[Job | None] = SimpleQueue()
    stop, writing = Flag(), Lock()
    Thread(target=_listen, args=(letters, jobs, stop), daemon=True).start()

    def say(line: str) -> None:
        try:
            with writing:
                letters.send_bytes(line.encode())
        except OSError:
            stop.set()

    def report(event: Event) -> None:
        say(to_json(event))

    memory = Memory()
    quiet()
    while (job := jobs.get()) is not None:
        book = Logbook(job.site.workspace, where, report, capture=True)
        done = do_job(job, memory, book, stop.is_set, make)
        say(json.dumps({"done": done_letter(done), "kept": memory.key}))


def _listen(letters: "Connection[bytes, bytes]", jobs: "SimpleQueue[Job | None]", stop: Flag) -> None:
    try:
        while True:
            letter = json.loads(letters.recv_bytes())
            if "stop" in letter:
                stop.set()
            elif "end" in letter:
                break
            else:
                jobs.put(read_job(letter))
    except (EOFError, OSError):
        stop.set()
    jobs.put(None)
