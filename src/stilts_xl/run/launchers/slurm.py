"""The stages of a grid as jobs of a Slurm cluster: arrays, each in the queue until the training below it is complete.

Submission is submitit's, and so are the scripts, the logs and the pickled calls that it keeps in WORKSPACE/slurm.
"""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.slurm.slurm import _make_sbatch_string

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.core.event import Reporter
from stilts_xl.core.launch import AUTO, Launch
from stilts_xl.core.recipe import Compute
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Stage, Train, origin, slug
from stilts_xl.run.jobs import Job
from stilts_xl.run.launchers.slurm_job import SlurmJob
from stilts_xl.run.runner import check

LARGEST = 1000
"""Jobs in one array: Slurm's MaxArraySize is 1001 where nobody has set it."""
TIMEOUTS = 50
"""How often a job is put back into the queue at the end of its wall time; preemptions do not count."""
NOTICE_SECONDS = 300
"""Between Slurm's notice and the end of the wall time: for the step that runs, and a checkpoint on a slow disk."""


@dataclass(frozen=True)
class Wave:
    """Jobs that may begin at the same moment: one array."""

    after: Train | None
    """The missing training that all of them stand on; None where what they stand on is here."""
    units: tuple[Job, ...]
    """Each a training with all missing predictions of its model, or predictions of one model that is complete."""


def waves(todo: Sequence[Stage], sites: Mapping[Model, Site]) -> tuple[Wave, ...]:
    """The missing stages, what each stands on before it, as arrays in an order in which they can be submitted."""
    by_model: dict[Train | Model, list[Stage]] = {}
    for stage in todo:
        by_model.setdefault(stage if isinstance(stage, Train) else stage.model, []).append(stage)
    missing = set(todo)
    groups: dict[Train | None, list[Job]] = {}
    for first, *others in by_model.values():
        below = first.start if isinstance(first, Train) else None
        after = below if isinstance(below, Train) and below in missing else None
        groups.setdefault(after, []).append(Job((first, *others), sites[origin(first)]))
    for units in groups.values():
        units.sort(key=lambda unit: unit.stages[0] not in groups)  # an array begins with what others wait for
    return tuple(
        Wave(after, tuple(units[place : place + LARGEST]))
        for after, units in groups.items()
        for place in range(0, len(units), LARGEST)
    )


def prepare(
    todo: Sequence[Stage],
    sites: Mapping[Model, Site],
    launch: Launch,
    report: Reporter,
    stopping: Callable[[], bool],
) -> tuple[Wave, ...]:
    """What there is to submit, after every check that can be made on a host without the jobs' GPUs.

    Raises Mistake where this is no submit host, or a stage could not be made.
    """
    missing = [program for program in ("sbatch", "srun") if shutil.which(program) is None]
    if missing:
        raise Mistake(
            f"compute.launcher=slurm, but there is no {missing[0]} here: this host submits to no Slurm cluster\n"
            "log in to one that does; --dry-run shows the scripts, and compute.launcher=local works here"
        )
    planned = waves(todo, there(sites, launch))
    tuple(scripts(planned, launch))  # raises for what cannot be asked, before the data are read
    here = {
        model: replace(site, compute=replace(site.compute, device="cpu" if site.compute.device == "cpu" else "auto"))
        for model, site in sites.items()
    }
    check(todo, here, report, stopping)
    return planned


def there(sites: Mapping[Model, Site], launch: Launch) -> dict[Model, Site]:
    """The sites as the jobs see them: a job that asks for GPUs fails without one, rather than train on its CPU."""
    return {
        model: replace(
            site,
            compute=replace(
                site.compute,
                device="cuda" if site.compute.device == "auto" and gpus(launch, site.compute) else site.compute.device,
                threads=threads(launch, site.compute),
            ),
        )
        for model, site in sites.items()
    }


def gpus(launch: Launch, compute: Compute) -> int:
    """GPUs of a job. Raises Mistake for a part of one."""
    if launch.gpus == AUTO:
        return 0 if compute.device == "cpu" else compute.processes
    if launch.gpus != int(launch.gpus):
        raise Mistake(f"compute.gpus={launch.gpus:g}: a Slurm job has whole GPUs\ncompute.gpus=1, or auto")
    return int(launch.gpus)


def threads(launch: Launch, compute: Compute) -> int:
    """CPU threads of each process of a job."""
    return compute.threads or max(1, launch.slurm.cpus // compute.processes)


def parameters(launch: Launch, compute: Compute, after: str) -> dict[str, Any]:
    """What submitit is asked for; ``after``: the id of the job to wait for, or ''. Raises Mistake.

    Nothing that a setting leaves empty is named, so that the cluster's own default holds.
    """
    slurm, each = launch.slurm, threads(launch, compute)
    asked = {
        "partition": slurm.partition,
        "account": slurm.account,
        "qos": slurm.qos,
        "constraint": slurm.constraint,
        "gpus_per_node": gpus(launch, compute),
        "mem": f"{slurm.memory_gb}G" if slurm.memory_gb else "",
        "dependency": f"afterok:{after}" if after else "",
    }
    return {name: value for name, value in asked.items() if value} | {
        "job_name": "stilts",
        "time": slurm.minutes,
        "signal_delay_s": min(NOTICE_SECONDS, slurm.minutes * 30),
        "cpus_per_task": slurm.cpus,
        "srun_args": [
            "--mpi=none",  # whose variables would tell accelerate that a training has one process
            f"--cpus-per-task={slurm.cpus}",  # since Slurm 22.05 srun does not inherit it
        ],
        "setup": [f"export OMP_NUM_THREADS={each} RAYON_NUM_THREADS={each}", *filter(None, [slurm.setup])],
        "array_parallelism": slurm.at_once,
        "stderr_to_stdout": True,
        "wckey": None,
        "additional_parameters": {"requeue": True} | ({"kill-on-invalid-dep": "yes"} if after else {}),
    }


def scripts(planned: Sequence[Wave], launch: Launch) -> Iterator[str]:
    """The script of each array as sbatch would get it, JOB_OF_… where it would have the id of the job to wait for."""
    for wave in planned:
        after = f"JOB_OF_{slug(wave.after)}" if wave.after else ""
        folder = _folder(wave)
        command = f"{shlex.quote(sys.executable)} -u -m submitit.core._submit {shlex.quote(str(folder))}"
        many: dict[str, Any] = {"map_count": len(wave.units)} if len(wave.units) > 1 else {}
        asked = parameters(launch, wave.units[0].site.compute, after)
        yield _make_sbatch_string(command=command, folder=folder, **asked, **many)


def submit(planned: Sequence[Wave], launch: Launch) -> Iterator[tuple[Wave, str, str]]:
    """Submit the arrays; (wave, its job's id, the id of the job that it waits for or '') of each.

    Raises StiltsError with sbatch's words where it refuses one; what was submitted before stays in the queue.
    """
    below = {wave.after for wave in planned}
    ids: dict[Train, str] = {}
    for number, wave in enumerate(planned, 1):
        after = ids[wave.after] if wave.after else ""
        executor = SlurmExecutor(_folder(wave), max_num_timeout=TIMEOUTS)
        executor.update_parameters(**parameters(launch, wave.units[0].site.compute, after))
        calls = [SlurmJob(unit, stood_on=unit.stages[0] in below) for unit in wave.units]
        try:
            with redirect_stderr(StringIO()):  # submitit prints what it raises
                jobs = executor.submit_array(calls)
        except (FailedJobError, FailedSubmissionError) as error:
            raise StiltsError(
                f"sbatch refused array {number} of {len(planned)}: {str(error).strip()}\n"
                "those before it are in the queue; the same command submits again what is missing"
            ) from None
        ids |= {
            unit.stages[0]: job.job_id
            for unit, job in zip(wave.units, jobs, strict=True)
            if isinstance(unit.stages[0], Train)
        }
        yield wave, jobs[0].job_id.partition("_")[0], after


def _folder(wave: Wave) -> Path:
    """Where submitit keeps its files. Raises Mistake for a path that Slurm would read as a pattern."""
    folder = Path(wave.units[0].site.workspace).absolute() / "slurm"
    if "%" in str(folder):
        raise Mistake(f"{folder.parent}: Slurm takes the '%' in it for a pattern\nchoose another workspace with -w DIR")
    return folder
