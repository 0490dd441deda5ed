"""The launcher that was asked for, and each worker's share of the machine."""

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch

from stilts_xl.core.errors import Mistake
from stilts_xl.core.event import Reporter
from stilts_xl.core.launch import AUTO, Launch
from stilts_xl.core.recipe import Compute
from stilts_xl.engine.device import torch_device
from stilts_xl.run.launchers.base import Launcher
from stilts_xl.run.launchers.here import Here
from stilts_xl.run.launchers.local import Local, Slot


def choose(
    launch: Launch, compute: Compute, width: int, report: Reporter, stopping: Callable[[], bool]
) -> tuple[Launcher, int]:
    """(launcher, CPU threads of each of its processes; 0 leaves torch's choice), for ``width`` jobs at once at most.

    Raises Mistake where what was asked for is not here.
    """
    if launch.launcher == "ray":
        if find_spec("ray") is None:
            raise Mistake("compute.launcher=ray: ray is not installed\npip install 'stilts-xl[ray]'")
        if not launch.address:
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # keeps Ray, once imported, on 127.0.0.1
        started: Launcher = import_module("stilts_xl.run.launchers.ray").Ray(launch, compute, width, report)
        return started, compute.threads or 1
    if launch.workers == 0:
        return Here(report, stopping), compute.threads
    slots = slots_of(launch, compute)[:width]
    threads = compute.threads or (max(1, (os.cpu_count() or 1) // len(slots)) if len(slots) > 1 else 0)
    return Local(slots, report), threads


def slots_of(launch: Launch, compute: Compute) -> list[Slot]:
    """One a worker: its GPUs, or none. Raises Mistake where this machine has too few."""
    if torch_device(compute).type == "cpu":
        count = 1 if launch.workers == AUTO else launch.workers
        return [Slot(f"cpu:{number}" if count > 1 else "cpu", {}) for number in range(count)]
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = named.split(",") if named else [str(number) for number in range(torch.cuda.device_count())]
    each = compute.processes if launch.gpus == AUTO else launch.gpus
    if each > len(seen) or each <= 0:
        raise Mistake(
            f"a stage asks for {each:g} GPUs (compute.gpus, compute.processes), and {len(seen)} are visible here"
        )
    if each < 1:
        groups = [[gpu] for _ in range(int(1 / each)) for gpu in seen]
    else:
        whole = int(each)
        groups = [seen[start : start + whole] for start in range(0, len(seen) - whole + 1, whole)]
    count = len(groups) if launch.workers == AUTO else launch.workers
    if count > len(groups):
        raise Mistake(
            f"compute.workers={count}, but {len(seen)} GPUs are room for {len(groups)}\ncompute.gpus=0.5 puts two on each"
        )
    return [Slot(f"cuda:{','.join(group)}", {"CUDA_VISIBLE_DEVICES": ",".join(group)}) for group in groups[:count]]
