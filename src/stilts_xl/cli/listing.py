"""stilts ls and stilts show: what there is, and one of them in full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.completion import THINGS, shown, tasks, things
from stilts_xl.cli.options import Workspace
from stilts_xl.cli.terminal import say

if TYPE_CHECKING:
    from stilts_xl.core.task import Files, Task

COMMIT = 40
"""Digits of a commit."""
NAME = 14
"""Columns of the names that stilts ls prints."""
LABEL = 18
"""Columns of the labels that stilts show prints."""
GROUPS = {"models": "model", "protocols": "protocol", "studies": "study", "data": "data"}


def ls(
    what: Annotated[str, typer.Argument(help="tasks, models, protocols, studies, data or runs", autocompletion=things)],
    workspace: Workspace = "outputs",
) -> None:
    """List what there is to choose from, or the runs of a workspace."""
    from stilts_xl.core.errors import unknown

    if what not in THINGS:
        raise unknown("thing to list", what, THINGS)
    if what == "tasks":
        _tasks()
    elif what == "runs":
        _runs(Path(workspace))
    else:
        from stilts_xl.config.folder import describe, options

        group = GROUPS[what]
        for name in options(group):
            say(name, describe(group, name), NAME)


def _tasks() -> None:
    from stilts_xl.tasks.catalog import all_tasks

    for task in all_tasks().values():
        reach = f"{len(task.languages)} languages" if len(task.languages) > 1 else "English"
        trained = f", trained on {task.train_on}" if task.train_on else "" if task.learns else ", nothing to train"
        head = f"{task.name:<15}{task.kind:<10}{reach:<14}"
        say(head, f"{task.title}{trained}", len(head))


def _runs(workspace: Path) -> None:
    from stilts_xl.core.errors import Mistake
    from stilts_xl.run.plan import plan
    from stilts_xl.store.runs import kept_runs

    runs = kept_runs(workspace)
    if not runs:
        raise Mistake(f"{workspace} holds no runs; stilts run makes some, -w names another workspace")
    chains = [f"{run.cell.model.name} → {run.cell.intermediate} → {run.cell.target}" for run in runs]
    width = max(map(len, chains)) + 4
    for chain, run in zip(chains, runs, strict=True):
        steps = plan(run.goals, workspace)
        left = sum(step.state == "missing" for step in steps)
        told = [f"{left} of {len(steps)} stages missing" if left else "complete"]
        told += [f"{run.cell.split} split", f"protocol {run.cell.protocol}"]
        told += [] if run.cell.seed is None else [f"seed {run.cell.seed}"]
        told += ["sample data"] if run.source == "sample" else []
        told += [f"limited to {run.limit}"] if run.limit else []
        say(f"{'●' if left else '✓'} {chain}", ", ".join(told), width)


def show(
    what: Annotated[str, typer.Argument(help="task", autocompletion=shown)],
    name: Annotated[str, typer.Argument(help="its name", autocompletion=tasks)],
) -> None:
    """Show one task: data, languages, licence, citation."""
    from stilts_xl.core.errors import unknown
    from stilts_xl.tasks.catalog import task_named

    if what != "task":
        raise unknown("thing to show", what, ["task"])
    task = task_named(name)
    lines = [("task", f"{task.name} ({task.title})"), ("kind", task.kind), ("languages", " ".join(task.languages))]
    lines += [("on request", " ".join(task.extra_languages))] if task.extra_languages else []
    lines.append(("trained on", _trained_on(task)))
    lines += [("metrics", ", ".join(task.metrics)), ("labels", _labels(task)), ("sizes", task.sizes)]
    lines += [("rows", f"variants {', '.join(task.variants)} (protocol.variants.{task.name})")] if task.variants else []
    for layout in task.files:
        lines += [(f"file: {split}", f"{_paths(paths)}  ({_format(layout)})") for split, paths in layout.paths.items()]
    lines += _hub(task)
    lines.append(("sample", _sample(task)))
    lines += [("where", task.where)] if task.where else []
    lines += [("licence", task.licence), ("citation", task.citation), ("homepage", task.homepage)]
    for label, text in lines:
        say(label, text, LABEL)


def _trained_on(task: "Task") -> str:
    if not task.learns:
        return "nothing: sentences are compared as the encoder leaves them"
    if task.parts:
        return f"the English rows of {', '.join(task.parts)}, under one head"
    if len(task.train_languages) > 1:
        return f"rows in {len(task.train_languages)} languages, drawn by their sizes (target.alpha)"
    return f"the English rows of {task.source_task}"


def _labels(task: "Task") -> str:
    if task.labels:
        return " ".join(task.labels)
    return "those of the training rows, or of a label file" if task.kind == "tag" else "none"


def _format(layout: "Files") -> str:
    labels = f", labels in {layout.label_file}" if layout.label_file else ""
    return layout.format + labels + (f", every {layout.held_out}th row is validation" if layout.held_out else "")


def _sample(task: "Task") -> str:
    """In which languages data=sample has invented rows of a task."""
    from stilts_xl.data.sample import sample_languages

    if task.parts:
        return f"invented rows of {', '.join(task.parts)} (data=sample)"
    return f"invented rows in {' '.join(sample_languages(task)) or 'none of the languages'} (data=sample)"


def _paths(paths: str | tuple[str, ...]) -> str:
    return paths if isinstance(paths, str) else " + ".join(paths)


def _hub(task: "Task") -> list[tuple[str, str]]:
    hub = task.hub
    if hub is None:
        return [("hub", "no copy that can be used")]
    splits = ", ".join(f"{ours} = {theirs}" for ours, theirs in hub.splits.items())
    pinned = hub.revision + (
        "" if len(hub.revision) == COMMIT else ", a branch: hub-lock.json keeps its commit from the first contact on"
    )
    lines = [("hub", f"{hub.repo}, configuration {hub.config}, {splits}"), ("hub revision", pinned)]
    return [*lines, ("hub deviation", hub.deviation)] if hub.deviation else lines
