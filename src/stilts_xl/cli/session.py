"""What the events of one command tell beside the single stage: counts, the time left, and predictions taken together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from stilts_xl.core.event import Event
from stilts_xl.core.stage import Predict, Stage, Train, key, slug, trainings
from stilts_xl.core.tally import Expected, Tally, tally

Batch = tuple[str, str]
"""(key of the model, task) of the predictions that are told of in one line."""


@dataclass
class Harvest:
    """Predictions of one model for one task, as far as they are made."""

    by: str
    """The model's name."""
    task: str
    languages: list[str] = field(default_factory=list)
    began: float = field(default_factory=monotonic)
    ended: float = field(default_factory=monotonic)


@dataclass(frozen=True)
class Pace:
    """How one phase of a stage advances."""

    first: int
    """Its first step seen: a resumed stage does not begin at 0."""
    since: float
    """Monotonic seconds at the first step."""
    latest: int


@dataclass
class Running:
    """What is remembered of a stage between its events."""

    place: str
    """Its place among the stages seen, as '2/11'; '' for what is no stage."""
    last: Event
    began: float
    """Monotonic seconds."""
    printed: float = float("-inf")
    """When its last plain line was printed."""
    loss: float | None = None
    paces: dict[str, Pace] = field(default_factory=dict)
    over: str = ""
    """DONE or FAILED, when it is; its row stays for a moment."""
    ended: float = float("-inf")
    """Monotonic seconds when it was over."""

    def take(self, event: Event) -> None:
        """Note an event; a phase whose steps go back, as in the next validation, is timed afresh."""
        pace = self.paces.get(event.phase)
        fresh = pace is None or event.step < pace.latest
        self.paces[event.phase] = (
            Pace(event.step, monotonic(), event.step)
            if pace is None or fresh
            else Pace(pace.first, pace.since, event.step)
        )
        self.last = event
        self.loss = self.loss if event.loss is None else event.loss

    def left(self) -> float | None:
        """Seconds that the rest of the phase takes at its mean pace so far; None while that is unknown."""
        pace = self.paces.get(self.last.phase)
        if pace is None:
            return None
        done, ahead = pace.latest - pace.first, self.last.total - pace.latest
        return (monotonic() - pace.since) / done * ahead if done > 0 and ahead > 0 else None


@dataclass
class Took:
    """What stages of one sort took while this command ran."""

    seconds: float = 0.0
    stages: int = 0


class Session:
    """The missing stages of one command, and what became of them so far."""

    def __init__(self, todo: Sequence[Stage], expected: Expected) -> None:
        """``expected``: what is known of the time that a stage takes before one like it was made by this command."""
        self._todo, self._expected = tuple(todo), expected
        self._stages = {slug(stage): stage for stage in todo}
        self._missing = dict(self._stages)
        self._failed: set[str] = set()
        self._paces: dict[object, Took] = {}
        self._harvests: dict[Batch, Harvest] = {}

    @property
    def total(self) -> int:
        """The number of stages."""
        return len(self._todo)

    def alike(self, one: str, other: str) -> bool:
        """Whether two stages are of one job: the same, or predictions of one model."""
        return one == other or (self._job(one) is not None and self._job(one) == self._job(other))

    def done(self, name: str, seconds: float) -> None:
        """A stage is complete, and so is all that it stands on."""
        stage = self._stages.get(name)
        if stage is None:
            return
        for below in (stage, *trainings(stage)):
            self._missing.pop(slug(below), None)
            self._failed.discard(slug(below))
        for sort in (_sort(stage), type(stage)):
            pace = self._paces.setdefault(sort, Took())
            pace.seconds, pace.stages = pace.seconds + seconds, pace.stages + 1

    def failed(self, name: str) -> None:
        """A stage could not be made."""
        if name in self._stages:
            self._failed.add(name)

    def tally(self, running: Mapping[str, tuple[float, float | None]]) -> Tally:
        """The counts now. ``running``: slug -> (seconds so far, seconds left or None)."""
        lefts = {name: self._left(name, *times) for name, times in running.items()}
        return tally(self._todo, tuple(self._missing.values()), lefts, self._failed, self._takes)

    def batch(self, name: str) -> Batch | None:
        """The predictions that a stage is told of with; None for what is told of by itself."""
        stage = self._stages.get(name)
        return (key(stage.model), stage.data.task) if isinstance(stage, Predict) else None

    def gather(self, name: str, began: float) -> None:
        """A prediction is done: keep it for the line that tells of its batch."""
        stage, batch = self._stages[name], self.batch(name)
        assert isinstance(stage, Predict) and batch is not None
        by = slug(stage.model) if isinstance(stage.model, Train) else stage.model.name
        harvest = self._harvests.setdefault(batch, Harvest(by, stage.data.task, began=began))
        harvest.languages.append(stage.data.language)
        harvest.ended = monotonic()

    def whole(self) -> list[Harvest]:
        """Batches of which nothing is missing that has not failed; they are not told of again."""
        open_ = {self.batch(name) for name in self._missing.keys() - self._failed}
        return self.give(batch for batch in tuple(self._harvests) if batch not in open_)

    def give(self, batches: Iterable[Batch | None] | None = None) -> list[Harvest]:
        """What was gathered of these batches, or of all; it is not told of again."""
        wanted = tuple(self._harvests) if batches is None else tuple(batches)
        found = (self._harvests.pop(batch, None) for batch in wanted if batch is not None)
        return [harvest for harvest in found if harvest is not None]

    def _job(self, name: str) -> str | None:
        batch = self.batch(name)
        return batch[0] if batch else None

    def _takes(self, stage: Stage) -> float | None:
        """Seconds, by what this command made of the same sort and task, by what is known of it, by its sort alone."""
        pace = self._paces.get(_sort(stage))
        if pace is None and (before := self._expected(stage)) is not None:
            return before
        pace = pace or self._paces.get(type(stage))
        return pace.seconds / pace.stages if pace else None

    def _left(self, name: str, seconds: float, left: float | None) -> float | None:
        stage = self._stages.get(name)
        if left is not None or stage is None:
            return left
        whole = self._takes(stage)
        return None if whole is None else max(0.0, whole - seconds)


def _sort(stage: Stage) -> object:
    return type(stage), stage.data.task


def told(harvest: Harvest) -> str:
    """A batch's languages, as 'ar', 'ar, bn' or 'ar … te'."""
    first, *others = harvest.languages
    if len(others) > 1:
        return f"{first} … {others[-1]}"
    return ", ".join((first, *others))
