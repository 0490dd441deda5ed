"""Cells of a study, and the set of stages they need; set semantics do the sharing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stilts_xl.core.recipe import Recipe
from stilts_xl.core.stage import Data, Model, Predict, Stage, Train, trainings

Needed = Callable[[str, str, str], Data]
"""(task, split, language) -> the rows with their source's digest; raises where they are absent."""
Present = Callable[[str, str, str], Data | None]
"""The same, or None where they are absent."""


@dataclass(frozen=True)
class Phase:
    """One training of a chain: the task whose rows are read, and how."""

    task: str
    validation_task: str
    """The task whose English validation rows choose the best step."""
    recipe: Recipe


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

    @property
    def seed(self) -> int:
        """The seed of the target phase."""
        return self.phases[-1].recipe.seed


def predictions(cell: Cell, needed: Needed, present: Present) -> tuple[Predict, ...]:
    """The cell's Predict stages, one per language that is present; what trains and what chooses a step is needed."""
    start: Model | Train = cell.model
    for phase in cell.phases:
        data = needed(phase.task, "train", "en")
        validation = needed(phase.validation_task, "validation", "en") if phase.recipe.selection == "best" else None
        start = Train(data, validation, start, phase.recipe)
    assert isinstance(start, Train)
    scored = (present(cell.target, cell.split, language) for language in cell.languages)
    return tuple(Predict(data, start) for data in scored if data is not None)


def stages(goals: Iterable[Predict]) -> tuple[Stage, ...]:
    """Every stage that the goals need, each once, in an order that can be run."""
    ordered: dict[Stage, None] = {}
    for goal in goals:
        ordered.update(dict.fromkeys(trainings(goal)))
        ordered[goal] = None
    return tuple(ordered)
