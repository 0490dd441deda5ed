"""Every task there is, found by walking the folders; aliases and the roles a task can take."""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType

from stilts_xl.core.errors import unknown
from stilts_xl.core.task import Task
from stilts_xl.tasks import crosslingual, english, text

PACKAGES = (english, crosslingual, text)
ALIASES = {
    "squad_v1": "squad", "squad_v1.1": "squad", "squad1": "squad", "squad2": "squad_v2", "squad_v2.0": "squad_v2",
    "multinli": "mnli", "multi_nli": "mnli", "anli+": "anli_plus", "anliplus": "anli_plus", "quora": "qqp",
    "hella_swag": "hellaswag", "cosmos": "cosmosqa", "cosmos_qa": "cosmosqa", "csqa": "commonsenseqa",
    "commonsense_qa": "commonsenseqa", "siqa": "social_iqa", "socialiqa": "social_iqa", "social_i_qa": "social_iqa",
    "ccgbank": "ccg", "supertagging": "ccg",
    "tydi": "tydiqa", "tydiqa_goldp": "tydiqa", "paws_x": "pawsx", "pos": "udpos", "ud_pos": "udpos", "ner": "panx",
    "pan_x": "panx", "wikiann": "panx", "bucc": "bucc2018", "bucc18": "bucc2018",
}  # fmt: skip
"""Other names of tasks; '-' and '_' are the same."""


@cache
def all_tasks() -> MappingProxyType[str, Task]:
    """Name -> task, English tasks first; the name is the stem of the task's file."""
    found: dict[str, Task] = {}
    for package in PACKAGES:
        for module in iter_modules(package.__path__):
            task = import_module(f"{package.__name__}.{module.name}").TASK
            assert task.name == module.name, f"{module.name}.py defines the task '{task.name}'"
            found[task.name] = task
    return MappingProxyType(found)


def task_named(name: str, noun: str = "task", also: tuple[str, ...] = ()) -> Task:
    """The task of that name or alias, or a Mistake with the nearest name; ``also`` are other words allowed there."""
    spelt = name.lower().replace("-", "_")
    canonical = ALIASES.get(spelt, spelt)
    if canonical not in all_tasks():
        raise unknown(noun, name, [*all_tasks(), *also])
    return all_tasks()[canonical]


def training_task(task: Task) -> Task:
    """The task whose English rows train this one."""
    return all_tasks()[task.source_task]


def task_file(task: Task) -> Path:
    """The path of the file that defines a task."""
    for package in PACKAGES:
        for folder in package.__path__:
            if (path := Path(folder) / f"{task.name}.py").is_file():
                return path
    raise AssertionError(f"{task.name} has no file")
