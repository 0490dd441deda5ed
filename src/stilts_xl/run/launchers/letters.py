"""Jobs and their outcomes as plain data, for the way to another process and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stilts_xl.core.identity import canonical, restore
from stilts_xl.core.place import DataPlace, Sample
from stilts_xl.core.recipe import Compute
from stilts_xl.core.request import ModelChoice
from stilts_xl.core.site import Site
from stilts_xl.run.jobs import Done, Fault, Job
from stilts_xl.store.record import STAGE_CLASSES

SITE_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (Site, DataPlace, Sample, ModelChoice, Compute)}


def job_letter(job: Job) -> dict[str, Any]:
    """A job as plain data."""
    return {
        "stages": [canonical(stage, whole=True) for stage in job.stages],
        "site": canonical(job.site, whole=True),
    }


def read_job(letter: Mapping[str, Any]) -> Job:
    """The job of a letter."""
    return Job(restore(letter["stages"], STAGE_CLASSES), restore(letter["site"], SITE_CLASSES))


def read_done(plain: Mapping[str, Any]) -> Done:
    """What ``asdict`` made of an outcome."""
    fault = Fault(**plain["fault"]) if plain["fault"] else None
    return Done(tuple(plain["made"]), tuple(plain["held"]), tuple(plain["left"]), fault)


def done_letter(done: Done) -> dict[str, Any]:
    """An outcome as plain data."""
    return asdict(done)
