"""compute.launcher=slurm: the missing stages into the queue of a cluster, and what to type next."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stilts_xl.core.launch import Launch
    from stilts_xl.core.stage import Stage
    from stilts_xl.run.launchers.slurm import Wave
    from stilts_xl.run.resolve import Chain


def submit_grid(todo: "Sequence[Stage]", chains: "Sequence[Chain]", launch: "Launch", workspace: Path) -> None:
    """Submit the missing stages and return: a line for each array, then the command that shows how they go on.

    Raises Mistake where this is no submit host, and Interrupted with the command that goes on.
    """
    require_submitit()
    from stilts_xl.cli.interrupt import graceful
    from stilts_xl.cli.progress import show, stderr
    from stilts_xl.core.errors import Interrupted
    from stilts_xl.run.launchers.slurm import prepare, submit

    console = stderr()
    again = shlex.join(["stilts", *sys.argv[1:]])
    jobs = arrays = 0
    with graceful(console.print) as stopping, show(todo, console) as reporter:
        try:
            planned = prepare(todo, {chain.cell.model: chain.site for chain in chains}, launch, reporter, stopping)
        except Interrupted as stop:
            raise Interrupted(f"{stop}\ngo on with: {again}") from None
    for wave, job, after in submit(planned, launch):
        jobs, arrays = jobs + len(wave.units), arrays + 1
        typer.echo(_line(wave, job, after))
    words = ["stilts", "status", "--watch", "-w", str(workspace)]
    typer.echo(
        f"✓ {jobs} {'job' if jobs == 1 else 'jobs'} submitted in {arrays} {'array' if arrays == 1 else 'arrays'}; "
        f"the same command makes what is missing when they have ended\nwatch them with: {shlex.join(words)}"
    )


def print_scripts(todo: "Sequence[Stage]", chains: "Sequence[Chain]", launch: "Launch") -> None:
    """Print what would be submitted, on any host."""
    require_submitit()
    from stilts_xl.run.launchers.slurm import scripts, there, waves

    planned = waves(todo, there({chain.cell.model: chain.site for chain in chains}, launch))
    for number, (wave, script) in enumerate(zip(planned, scripts(planned, launch), strict=True), 1):
        typer.echo(f"\n# array {number} of {len(planned)}")
        for index, unit in enumerate(wave.units):
            typer.echo(f"# {index}  {_content(unit.stages)}")
        typer.echo(script.rstrip())


def require_submitit() -> None:
    """Raise Mistake where submitit is not installed."""
    from importlib.util import find_spec

    from stilts_xl.core.errors import Mistake

    if find_spec("submitit") is None:
        raise Mistake(
            "compute.launcher=slurm: submitit is not installed\n"
            "pip install 'stilts-xl[slurm]'; compute.launcher=local works here"
        )


def _line(wave: "Wave", job: str, after: str) -> str:
    """An array in one line, as '4218  3 jobs  3 trainings, 21 predictions  after 4217_2 (squad-3f9a1c2e)'."""
    from stilts_xl.core.stage import slug

    parts = [job, _count(len(wave.units), "job"), _content([stage for unit in wave.units for stage in unit.stages])]
    return "  ".join([*parts, *([f"after {after} ({slug(wave.after)})"] if wave.after else [])])


def _content(stages: "Sequence[Stage]") -> str:
    """What stages are, as 'squad-3f9a1c2e, 7 predictions' or '3 trainings, 21 predictions'."""
    from stilts_xl.core.stage import Train, slug

    trainings = [stage for stage in stages if isinstance(stage, Train)]
    named = slug(trainings[0]) if len(trainings) == 1 else _count(len(trainings), "training")
    predictions = _count(len(stages) - len(trainings), "prediction")
    return ", ".join([*([named] if trainings else []), *([predictions] if len(stages) > len(trainings) else [])])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
