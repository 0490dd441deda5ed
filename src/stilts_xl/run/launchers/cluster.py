"""The Ray cluster that jobs are made on: begun on this machine, or joined, and whether a stage has room on it."""

import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

import ray
import ray._private.worker

from stilts_xl.core.errors import Mistake
from stilts_xl.core.launch import AUTO, Launch
from stilts_xl.core.recipe import Compute

ANSWER = 5.0
"""Seconds in which the head of a cluster must answer; Ray would try for minutes."""
STORE = 80 * 2**20
"""Bytes of shared memory for what is sent; Ray would take a third of the machine's."""
SHORT = 30
"""Characters of a folder in which Ray's sockets have names that the system takes."""
BRIEF = 200
"""Characters of what Ray says of its own mistakes."""

Amounts = Mapping[str, float]
"""'CPU' and 'GPU' -> how many."""


def begin_here() -> str:
    """Begin a cluster on this machine, which no other machine reaches; the folder with its files. Raises Mistake."""
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="ray-", dir=usual if len(usual) <= SHORT else f"{os.sep}tmp")
    # Or Ray would leave a token of its own in the home folder, and ask for it in every later cluster of the user.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        _connect(
            address="local", num_cpus=cores, include_dashboard=False, object_store_memory=STORE,
            _node_ip_address="127.0.0.1", _temp_dir=folder,
        )  # fmt: skip
    except (OSError, RuntimeError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Mistake(
            f"Ray does not begin on this machine: {_brief(error)}\ncompute.launcher=local needs none"
        ) from None
    return folder


def join(address: str) -> None:
    """Join a running cluster, as 'auto' or HOST:PORT, from one of its machines. Raises Mistake."""
    found = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    try:
        if found != "auto":
            host, _, port = found.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
        _connect(address=found)
    except (OSError, RuntimeError, ValueError) as error:
        raise Mistake(
            f"compute.address={address}: no Ray cluster can be joined: {_brief(error)}\n"
            "expected HOST:PORT of its head, or auto on one of its machines (ray start --head begins one); "
            "RAY_AUTH_MODE=token where it asks for a token"
        ) from None


def needs(launch: Launch, compute: Compute, machines: Sequence[Amounts]) -> Amounts:
    """What a stage asks of one machine. Raises Mistake where no machine has it, for Ray would wait for ever."""
    gpus = launch.gpus
    if gpus == AUTO:
        there = compute.device == "cuda" or any(machine.get("GPU", 0) for machine in machines)
        gpus = compute.processes if there and compute.device != "cpu" else 0
    if gpus < 0 or (gpus > 1 and gpus != int(gpus)):
        raise Mistake(f"compute.gpus={gpus:g}: expected a whole number, a part of one GPU, or auto")
    asked = {"CPU": float(max(1, compute.threads) * compute.processes), "GPU": float(gpus)}
    if not any(all(machine.get(name, 0) >= amount for name, amount in asked.items()) for machine in machines):
        found = Counter(_told(machine) for machine in machines)
        listed = ", ".join(f"{count} with {amounts}" for amounts, count in found.items())
        raise Mistake(
            f"a stage asks for {_told(asked)} (compute.gpus, compute.threads, compute.processes), "
            f"more than any machine of the Ray cluster has\nits machines: {listed or 'none'}"
        )
    return asked


def machines() -> list[Amounts]:
    """What the cluster's machines have in all."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def room(asked: Amounts) -> int:
    """How many times that is not in use now, wherever in the cluster."""
    now = ray.available_resources()
    return min(int(now.get(name, 0) / amount + 1e-6) for name, amount in asked.items() if amount)


def _connect(**settings: Any) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **settings)
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray takes it, and ends the process without a last step
    ray._private.worker._worker_logs_enabled = False  # or each worker's death would stand among the tables, too


def _told(amounts: Amounts) -> str:
    counts = {name: amounts.get(name, 0) for name in ("CPU", "GPU")}
    return " and ".join(f"{count:g} {name}{'' if count == 1 else 's'}" for name, count in counts.items())


def _brief(error: Exception) -> str:
    return shorten(str(error), BRIEF) or type(error).__name__
