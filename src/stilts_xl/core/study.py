"""Cells of a study, and the set of stages they need; set semantics do the sharing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stilts_xl.core.recipe import LATER, Recipe, Retrieval
from stilts_xl.core.stage import Data, Model, Predict, Rows, Stage, Train, trainings


@dataclass(frozen=True)
class Phase:
    """One training of a chain: the task whose rows are read, and how."""

    task: str
    validation_task: str
    """The task whose validation rows choose the best step."""
    recipe: Recipe
    languages: tuple[str, ...] = field(default=("en",), metadata=LATER)
    """Of the rows; where there are several, those that are absent are left out."""


Needed = Callable[[str, str, tuple[str, ...]], Rows]
"""(task, split, languages) -> the rows with their sources' digests; raises where they are absent."""
Present = Callable[[str, str, str], Data | None]
"""(task, split, language) -> the same, or None where they are absent."""


@dataclass(frozen=True)
class Cell:
    """One chain: model, intermediate phases, target phase, and the languages to predict."""

    model: Model
    intermediate: str
    """'none' or the intermediate task's name, as shown."""
    target: str
    phases: tuple[Phase, ...]
    languages: tuple[str, ...]
    split: str
    """The target's split that is scored."""
    protocol: str
    retrieval: Retrieval | None = field(default=None, metadata=LATER)
    """How the target's sentences are compared; None for a target that is trained."""
    tune_on: str = field(default="", metadata=LATER)
    """The target's split on which a threshold is fitted; empty for none."""

    @property
    def target_phases(self) -> tuple[Phase, ...]:
        """The phases without the intermediate one."""
        return self.phases[self.intermediate != "none" :]

    @property
    def seed(self) -> int | None:
        """The seed of the last phase; None where nothing is trained, and nothing is random."""
        return self.phases[-1].recipe.seed if self.phases else None


def predictions(cell: Cell, needed: Needed, present: Present) -> tuple[Predict, ...]:
    """The cell's Predict stages, one per language that is present; what trains and what chooses a step is needed.

    A language is absent, too, where the rows that a threshold is fitted on are.
    """
    start: Model | Train = cell.model
    for phase in cell.phases:
        data = needed(phase.task, "train", phase.languages)
        best = phase.recipe.selection == "best"
        validation = needed(phase.validation_task, "validation", phase.languages) if best else None
        start = Train(data, validation, start, phase.recipe)
    found = []
    for language in cell.languages:
        scored = present(cell.target, cell.split, language)
        tuning = present(cell.target, cell.tune_on, language) if cell.tune_on else None
        if scored is not None and (tuning is not None or not cell.tune_on):
            found.append(Predict(scored, start, retrieval=cell.retrieval, tuning=tuning))
    return tuple(found)


def stages(goals: Iterable[Predict]) -> tuple[Stage, ...]:
    """Every stage that the goals need, each once, in an order that can be run."""
    ordered: dict[Stage, None] = {}
    for goal in goals:
        if goal not in ordered:
            ordered.update(dict.fromkeys((*trainings(goal), goal)))
    return tuple(ordered)
