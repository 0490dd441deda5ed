"""Do all that is missing, beside other runs of the same workspace."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from stilts_xl.core.errors import Interrupted, Mistake
from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.launch import Launch
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Rows, Stage, Train, origin
from stilts_xl.data.examples import load_rows
from stilts_xl.run.drive import drive
from stilts_xl.run.launchers.choose import choose
from stilts_xl.run.launchers.here import Here
from stilts_xl.run.quiet import quiet
from stilts_xl.run.schedule import Made, Schedule, widest
from stilts_xl.run.start import First, require_start
from stilts_xl.store.store import require_writable


def run_missing(todo: Sequence[Stage], site: Site, report: Reporter, stopping: Callable[[], bool]) -> Made:
    """Make the missing stages of one model in this process, and wait for those that another process is making.

    All data of the missing stages are read and checked before the first training. Raises what a stage raises.
    """
    sites = {origin(stage): site for stage in todo}
    check(todo, sites, report, stopping)
    with closing(Here(report, stopping)) as here:
        return drive(Schedule(todo, sites, retries=0), here, report, stopping, keep_going=False)


def run_grid(
    todo: Sequence[Stage],
    sites: Mapping[Model, Site],
    launch: Launch,
    report: Reporter,
    stopping: Callable[[], bool],
    keep_going: bool = True,
) -> Made:
    """Make the missing stages of a grid where ``launch`` says; what fails stops only what stands on it, and is listed.

    Raises Interrupted where ``stopping``, and Mistake before anything is made for data or settings that cannot be used.
    """
    compute = next(iter(sites.values())).compute
    launcher, threads = choose(launch, compute, widest(todo), report, stopping)
    sites = {model: replace(site, compute=replace(site.compute, threads=threads)) for model, site in sites.items()}
    with closing(launcher):
        check(todo, sites, report, stopping)
        return drive(Schedule(todo, sites, launch.retries), launcher, report, stopping, keep_going)


def check(todo: Sequence[Stage], sites: Mapping[Model, Site], report: Reporter, stopping: Callable[[], bool]) -> None:
    """Raise Mistake for data, settings, a device or a workspace that would stop one of the missing stages later."""
    for site in sites.values():
        require_writable(Path(site.workspace))
    quiet()
    first = check_data(todo, next(iter(sites.values())), report, stopping) if todo else {}
    for model, site in sites.items():
        require_start([stage for stage in todo if origin(stage) == model], first, site)


def check_data(todo: Sequence[Stage], site: Site, report: Reporter, stopping: Callable[[], bool]) -> dict[Rows, First]:
    """Read and check every row that the stages will need, so that a broken one stops the run before any training.

    Returns the first example of each set, and its labels.
    """
    others = [stage.validation if isinstance(stage, Train) else stage.tuning for stage in todo]
    choosing = [data for data in others if data is not None]
    first: dict[Rows, First] = {}
    distinct = list(dict.fromkeys([*(stage.data for stage in todo), *choosing]))
    for number, data in enumerate(distinct, 1):
        if stopping():
            raise Interrupted("stopped before anything was trained")
        try:
            loaded = load_rows(data, site.place)
        except Mistake as error:
            raise Mistake(f"{error}\nnothing was trained; stilts data check shows every split that is wrong") from None
        if data in choosing and loaded.unlabelled:
            raise Mistake(
                f"{loaded.origin}: expected labelled rows to choose the best step by, found {loaded.unlabelled} without\n"
                "put the publisher's own file there, or keep the last step with target.selection=last (or intermediate.)"
            )
        first[data] = First(loaded.examples[0], loaded.labels)
        message = f"{loaded.origin}: {loaded.moved} answers re-located" if loaded.moved else ""
        report(Event("data", "check", number, len(distinct), message=message))
    report(Event("data", DONE, len(distinct), len(distinct)))
    return first
