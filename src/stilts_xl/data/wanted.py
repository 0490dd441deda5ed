"""Which splits a run reads, and which of them it cannot do without."""

from stilts_xl.core.request import Request
from stilts_xl.tasks.catalog import all_tasks

Wanted = tuple[str, str, str, bool]
"""(task, split, language, whether its absence stops the run)."""


def splits_of_request(request: Request) -> tuple[Wanted, ...]:
    """Training and, where a recipe selects by it, validation rows in English; then the target in every language."""
    found: dict[tuple[str, str, str], bool] = {}
    for phase in request.phases:
        found[phase.task, "train", "en"] = True
        if phase.recipe.selection == "best":
            found[phase.validation_task, "validation", "en"] = True
    for language in request.languages:
        found.setdefault((request.target, request.split, language), False)
    return tuple((task, split, language, needed) for (task, split, language), needed in found.items())


def splits_of_tasks() -> tuple[Wanted, ...]:
    """Every split and language of every task; none of them is needed."""
    return tuple(
        (task.name, split, language, False)
        for task in all_tasks().values()
        for split in ("train", "validation", "test")
        if task.has_split(split)
        for language in (("en",) if split == "train" else task.languages)
    )
