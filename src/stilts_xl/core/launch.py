"""Launch: on how many workers, and on whose machines, the stages of a grid are made. Never identity."""

from dataclasses import dataclass

AUTO = -1
"""A number that the launcher chooses."""


@dataclass(frozen=True)
class Slurm:
    """What a Slurm cluster is asked for; what is empty or 0 is not asked for, so that its own default holds."""

    partition: str
    account: str
    qos: str
    constraint: str
    minutes: int
    """Wall time of one job; a job that needs more is put back in the queue and goes on."""
    memory_gb: int
    cpus: int
    """CPU cores a job; its processes share them where compute.threads is 0."""
    at_once: int
    """Jobs of one array that run at the same time."""
    setup: str
    """Shell line before each job, as 'module load cuda'."""


@dataclass(frozen=True)
class Launch:
    """Where the stages of a grid are made. Nothing here may change a result."""

    launcher: str
    """local, ray or slurm."""
    workers: int
    """Local: worker processes, 0 makes everything in this process, AUTO is one a GPU, or one on a CPU. Ray: workers at
    most; AUTO is as many as the cluster has room for."""
    retries: int
    """How often a stage is tried again whose worker died."""
    address: str
    """A running Ray cluster; empty starts one on this machine."""
    gpus: float
    """GPUs a stage; AUTO is one for each of its processes where the device is a GPU."""
    slurm: Slurm
