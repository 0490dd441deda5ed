"""One training in several data-parallel processes on this machine, watched and stopped by this one."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

from stilts_xl.core.errors import Interrupted, Lost, Mistake, StiltsError
from stilts_xl.core.event import Reporter, from_json
from stilts_xl.core.identity import canonical
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Train, slug

PATIENCE = 60.0
"""Seconds that the other processes get to end when one has failed or all were asked to stop."""


def make_training_together(stage: Train, site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
    """Train a stage in ``compute.processes`` processes. Raises what the first failing one raised, as far as it said."""
    with tempfile.TemporaryDirectory(prefix="stilts-") as scratch:
        job, stop = Path(scratch) / "job.json", Path(scratch) / "stop"
        plain = {
            "stage": canonical(stage, whole=True),
            "site": canonical(site, whole=True),
            "stop": str(stop),
            "parent": os.getpid(),
        }
        job.write_text(json.dumps(plain), encoding="utf-8")
        port = _free_port()
        workers = [
            _start(rank, site.compute.processes, port, job, Path(scratch)) for rank in range(site.compute.processes)
        ]
        reader = Thread(target=_relay, args=(workers[0], report), daemon=True)
        reader.start()
        try:
            _watch(workers, stop, stopping)
        except (KeyboardInterrupt, Lost):  # a second Ctrl-C, or another owner: nobody waits for a checkpoint
            for worker in workers:
                worker.kill()
            raise
        finally:
            failed = [rank for rank, worker in enumerate(workers) if worker.poll()]
            _end(workers, stop)
            reader.join()
        if workers[0].returncode:
            raise _failure(stage, failed, workers, Path(scratch))


def _start(rank: int, processes: int, port: int, job: Path, scratch: Path) -> "subprocess.Popen[str]":
    environment = os.environ | {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    with (scratch / f"worker-{rank}.log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "stilts_xl.run.worker", str(job)],
            env=environment,
            stdout=subprocess.PIPE if rank == 0 else subprocess.DEVNULL,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then asks the workers to stop at one step
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _relay(worker: "subprocess.Popen[str]", report: Reporter) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        event = from_json(line)
        if event is not None:
            report(event)


def _watch(workers: list["subprocess.Popen[str]"], stop: Path, stopping: Callable[[], bool]) -> None:
    """Until the main one, which writes the artifact last, is done or any has failed; hands the wish to stop on."""
    while workers[0].poll() is None and not any(worker.poll() for worker in workers):
        if stopping() and not stop.exists():
            stop.touch()
        time.sleep(0.1)


def _end(workers: list["subprocess.Popen[str]"], stop: Path) -> None:
    """Let the rest end by themselves, and kill them when they do not: a process whose peer is gone waits for ever."""
    failed = any(worker.returncode for worker in workers)
    deadline = time.monotonic() + (2.0 if failed and not stop.exists() else PATIENCE)
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _failure(stage: Train, first: list[int], workers: list["subprocess.Popen[str]"], scratch: Path) -> StiltsError:
    """What a worker said of its end, or else how the first to fail ended: the others only lost their peer."""
    logs = [
        (scratch / f"worker-{rank}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        for rank in range(len(workers))
    ]
    for code, kind in ((130, Interrupted), (2, Mistake), (1, StiltsError)):
        for worker, lines in zip(workers, logs, strict=True):
            said = [json.loads(line)["error"] for line in lines if line.startswith('{"error"')]
            if worker.returncode == code and said:
                return kind(said[-1])
    ranks = first or [rank for rank, worker in enumerate(workers) if worker.returncode]
    rank = next((rank for rank in ranks if workers[rank].returncode < 0), ranks[0])
    if workers[rank].returncode < 0:
        end = f"was killed (signal {-workers[rank].returncode})"
    else:
        end = f"failed: {logs[rank][-1] if logs[rank] else 'it said nothing'}"
    return StiltsError(
        f"{slug(stage)}: process {rank} of the training {end}\nthe same command goes on from the last checkpoint"
    )
