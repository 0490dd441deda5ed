"""What is running, done, failed and left in a workspace: read from its files alone, while others write them."""

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import Mistake
from stilts_xl.core.stage import Predict, Stage, slug
from stilts_xl.core.study import stages
from stilts_xl.core.tally import Expected, Tally, standing_on, tally
from stilts_xl.run.estimate import expected
from stilts_xl.run.plan import missing
from stilts_xl.store.calls import kept_calls
from stilts_xl.store.lock import Claim, holder
from stilts_xl.store.notes import Progress, Trouble, read_progress, read_troubles
from stilts_xl.store.runs import Run, read_run, run_files
from stilts_xl.store.store import is_complete

STARTING = "starting"
"""The phase of a stage that is claimed and of which nothing was told yet."""
MEASURED_EVERY = 30.0
"""Seconds between two readings of what finished stages took."""
SIGNS = ("calls", "stages", "locks", "progress", "failures", "logs")
"""Folders in which something comes or goes when a stage or a command begins or ends."""


@dataclass(frozen=True)
class Running:
    """A stage that a living process makes."""

    slug: str
    phase: str
    step: int
    total: int
    """0 when nobody counted."""
    loss: float | None
    tokens_per_second: float | None
    where: str
    """The worker, as 'cuda:1'; empty for the process that was called, and while nothing is known."""
    host: str
    pid: int
    here: bool
    """Whether that host is this one."""
    seconds: float | None
    """Since it began; None while nothing is known."""
    left: float | None
    """Seconds; None where that is unknown."""
    silent: float
    """Seconds since an owner on another host was last heard of, by the clocks of both; 0 for one of this host."""


@dataclass(frozen=True)
class Failed:
    """A stage that could not be made the last time that it was tried."""

    slug: str
    message: str
    log: str
    """Relative to the workspace."""
    when: str
    blocks: int
    """Missing stages that stand on it."""
    cells: int
    """Runs that lack it, or something that stands on it."""
    again: tuple[str, ...]
    """The words of the latest command that wants it; empty where none is known."""


@dataclass(frozen=True)
class Asked:
    """A command, and what of it is done."""

    words: tuple[str, ...]
    cells: int
    """Its runs."""
    tally: Tally


@dataclass(frozen=True)
class Status:
    """One look at a workspace."""

    workspace: str
    tally: Tally
    """Of every run that was ever asked for."""
    running: tuple[Running, ...]
    interrupted: tuple[Progress, ...]
    """How far stages came whose process is gone, and that nobody has begun again."""
    failed: tuple[Failed, ...]
    commands: tuple[Asked, ...]
    """Latest first."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.tally.done == self.tally.stages and not self.running


class Reader:
    """Looks at a workspace again and again; what is complete is looked at once."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._runs: dict[str, tuple[int, Run | None]] = {}
        self._models: dict[str, Any] = {}
        self._places: dict[tuple[str, int], str] = {}
        self._complete: set[Stage] = set()
        self._expected: Expected = expected(workspace)
        self._measured = (1, time.monotonic())
        self._sign = (0.0, 0.0)

    def look(self) -> Status:
        """What the files say now. Raises Mistake where nothing was ever asked of the workspace."""
        # Claims before completeness: what is finished between the two looks is done, and never seems to wait.
        notes, claims = read_progress(self._workspace), self._claims()
        runs, calls = self._read_runs(), kept_calls(self._workspace)
        if not runs and not notes:
            found = "holds no runs" if self._workspace.is_dir() else "is not there"
            raise Mistake(
                f"the workspace {self._workspace} {found}\nstilts run and stilts sweep make one; -w DIR names another"
            )
        known = stages(goal for run in runs.values() for goal in run.goals)
        here = {stage for stage in known if self._is_here(stage, claims)}
        absent = missing([goal for run in runs.values() for goal in run.goals], here.__contains__)
        self._measure(len(here))
        running = self._running(absent, notes, claims, {slug(stage) for stage in known})
        lefts = {one.slug: one.left for one in running}
        troubles = {name: one for name, one in read_troubles(self._workspace).items() if name not in lefts}

        def count(of: Sequence[Stage], wanted: Sequence[Stage]) -> Tally:
            return tally(of, wanted, lefts, troubles, self._expected)

        commands = []
        for call in reversed(calls):
            goals = [goal for name in call.runs if name in runs for goal in runs[name].goals]
            counts = count(stages(goals), missing(goals, here.__contains__))
            commands.append(Asked(call.words, len(call.runs), counts))
        wanting = [(call.words, {*call.runs}) for call in reversed(calls)]
        return Status(
            workspace=str(self._workspace),
            tally=count(known, absent),
            running=running,
            interrupted=tuple(
                note for name, note in notes.items() if name not in claims and name in {slug(one) for one in absent}
            ),
            failed=tuple(_failures(absent, troubles, runs, wanting)),
            commands=tuple(commands),
        )

    def idle(self) -> float:
        """Seconds since a command or a stage was last begun or ended, by the files' times or since this was first asked."""
        times = (folder.stat().st_mtime for name in SIGNS if (folder := self._workspace / name).is_dir())
        newest, now = max(times, default=0.0), time.monotonic()
        if newest != self._sign[0]:
            self._sign = (newest, now)
        return max(time.time() - newest, now - self._sign[1])

    def _claims(self) -> dict[str, Claim]:
        """Slug -> who holds it and lives."""
        paths = sorted((self._workspace / "locks").glob("*.lock"))
        found = ((path.stem, holder(path)) for path in paths)
        return {name: claim for name, claim in found if claim is not None}

    def _read_runs(self) -> dict[str, Run]:
        """Name -> run, oldest first; one that is gone, or of another version, is left out."""
        found: dict[str, tuple[int, Run | None]] = {}
        for path in run_files(self._workspace):
            try:
                changed = path.stat().st_mtime_ns
                before = self._runs.get(path.stem)
                found[path.stem] = (
                    before if before and before[0] == changed else (changed, read_run(path, self._models))
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
        self._runs = found
        return {name: run for name, (_, run) in found.items() if run is not None}

    def _is_here(self, stage: Stage, claims: Mapping[str, Claim]) -> bool:
        if stage in self._complete and slug(stage) not in claims:
            return True
        if not is_complete(self._workspace, stage):
            self._complete.discard(stage)
            return False
        self._complete.add(stage)
        return True

    def _measure(self, done: int) -> None:
        """Read anew what finished stages took where twice as many are finished, or some more after a while."""
        now, (before, when) = time.monotonic(), self._measured
        if done >= 2 * before or (done > before and now - when >= MEASURED_EVERY):
            self._expected, self._measured = expected(self._workspace), (max(1, done), now)

    def _running(
        self, absent: Sequence[Stage], notes: Mapping[str, Progress], claims: Mapping[str, Claim], known: set[str]
    ) -> tuple[Running, ...]:
        """One a stage that something was told of, and one a process that has told nothing yet of all that it claimed."""
        wanted = {slug(stage): stage for stage in absent}
        told = {
            name: note
            for name, note in notes.items()
            if name in claims and _is_of(note, claims[name]) and (name in wanted or name not in known)
        }
        busy = {(claims[name].host, claims[name].pid) for name in told}
        found = [self._told(note, wanted.get(name), claims[name]) for name, note in told.items()]
        for name in wanted:
            claim = claims.get(name)
            if claim is not None and (claim.host, claim.pid) not in busy:
                busy.add((claim.host, claim.pid))
                found.append(self._starting(name, wanted[name], claim))
        return tuple(found)

    def _told(self, note: Progress, stage: Stage | None, claim: Claim) -> Running:
        here = claim.host == socket.gethostname()
        self._places[claim.host, claim.pid] = note.where
        seconds = max(note.seconds, time.time() - note.began) if here else note.seconds
        whole = self._expected(stage) if stage is not None else None
        return Running(
            note.slug, note.phase, note.step, note.total, note.loss, note.tokens_per_second, note.where,
            claim.host, claim.pid, here, seconds, _left(note, seconds, whole), self._silence(note.slug, here),
        )  # fmt: skip

    def _starting(self, name: str, stage: Stage, claim: Claim) -> Running:
        here = claim.host == socket.gethostname()
        left, silent = self._expected(stage), self._silence(name, here)
        where = self._places.get((claim.host, claim.pid), "")
        return Running(name, STARTING, 0, 0, None, None, where, claim.host, claim.pid, here, None, left, silent)

    def _silence(self, name: str, here: bool) -> float:
        if here:
            return 0.0
        try:
            return max(0.0, time.time() - (self._workspace / "locks" / f"{name}.lock").stat().st_mtime)
        except OSError:
            return 0.0


def _is_of(note: Progress, claim: Claim) -> bool:
    """Whether the claim's holder wrote the note, and not one before it that died."""
    return (note.host, note.pid) == (claim.host, claim.pid)


def _left(note: Progress, seconds: float, whole: float | None) -> float | None:
    """Seconds: of what the whole is expected to take, by the steps that are left where these are the work itself."""
    if note.phase in ("train", "predict") and note.total and note.step:
        rest = max(0, note.total - note.step)
        return whole * rest / note.total if whole is not None else seconds * rest / note.step
    return None if whole is None else max(0.0, whole - seconds)


def _failures(
    absent: Sequence[Stage],
    troubles: Mapping[str, Trouble],
    runs: Mapping[str, Run],
    wanting: Sequence[tuple[tuple[str, ...], set[str]]],
) -> Iterable[Failed]:
    """``wanting``: (words, names of runs) of each command, latest first."""
    lacking = set(absent)
    for stage in absent:
        trouble = troubles.get(slug(stage))
        if trouble is None:
            continue
        above = set(standing_on(absent, {trouble.slug}))
        cells = {name for name, run in runs.items() if _lacks(run, {stage, *above}, lacking)}
        again = next((words for words, names in wanting if names & cells), ())
        yield Failed(trouble.slug, trouble.message, trouble.log, trouble.when, len(above), len(cells), again)


def _lacks(run: Run, lost: set[Stage], lacking: set[Stage]) -> bool:
    goals: Sequence[Predict] = run.goals
    return any(goal in lost and goal in lacking for goal in goals)
