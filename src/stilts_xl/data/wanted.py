"""Which splits a run reads, and which of them it cannot do without."""

from stilts_xl.core.request import Request
from stilts_xl.tasks.catalog import all_tasks

Wanted = tuple[str, str, str, bool]
"""(task, split, language, whether its absence stops the run)."""


def splits_of_request(request: Request) -> tuple[Wanted, ...]:
    """What trains and, where a recipe selects by it, what validates; then the target in every language.

    A task made of others is listed by its parts. Of text in several languages each may be absent.
    """
    found: dict[tuple[str, str, str], bool] = {}
    for phase in request.phases:
        read = [(phase.task, "train")]
        read += [(phase.validation_task, "validation")] if phase.recipe.selection == "best" else []
        for task, split in read:
            for part in all_tasks()[task].parts or (task,):
                for language in phase.languages:
                    found[part, split, language] = len(phase.languages) == 1
    for language in request.languages:
        if request.tune_on:
            found.setdefault((request.target, request.tune_on, language), False)
        found.setdefault((request.target, request.split, language), False)
    return tuple((task, split, language, needed) for (task, split, language), needed in found.items())


def splits_of_tasks() -> tuple[Wanted, ...]:
    """Every split and language of every task; none of them is needed.

    A task made of others has no rows of its own: those of its parts stand under their names.
    """
    return tuple(
        (task.name, split, language, False)
        for task in all_tasks().values()
        for split in ("train", "validation", "test")
        if task.has_split(split)
        for language in (task.train_languages if split == "train" else task.languages)
    )
