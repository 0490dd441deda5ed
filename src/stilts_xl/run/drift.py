"""Whether the code that gives a task and its kind their meaning is still what a stage was made with."""

from pathlib import Path

import stilts_xl.kinds
from stilts_xl.core.task import Task
from stilts_xl.store.files import file_digest
from stilts_xl.store.record import Record
from stilts_xl.tasks.catalog import task_file, task_named


def code_digests(task: Task) -> dict[str, str]:
    """The digests of the task's file and of its kind's module."""
    kind = Path(stilts_xl.kinds.__path__[0]) / f"{task.kind}.py"
    return {f"task {task.name}": file_digest(task_file(task)), f"kind {task.kind}": file_digest(kind)}


def drifted(record: Record) -> list[str]:
    """What has changed since, as 'task squad' or 'kind span': a warning, never part of a key."""
    now = code_digests(task_named(record.stage.data.task))
    return sorted(name for name, digest in record.provenance["code"].items() if now.get(name) != digest)
