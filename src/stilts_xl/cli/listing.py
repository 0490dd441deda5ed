"""stilts ls and stilts show: what there is, and one of them in full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.options import Workspace

if TYPE_CHECKING:
    from stilts_xl.core.task import Task

KINDS_OF_THINGS = ("tasks", "models", "protocols", "runs")


def ls(
    what: Annotated[str, typer.Argument(help="tasks, models, protocols or runs")], workspace: Workspace = "outputs"
) -> None:
    """List tasks, models, protocols, or the runs of a workspace."""
    from stilts_xl.core.errors import unknown

    if what not in KINDS_OF_THINGS:
        raise unknown("thing to list", what, KINDS_OF_THINGS)
    if what == "tasks":
        _tasks()
    elif what == "runs":
        _runs(Path(workspace))
    else:
        from stilts_xl.config.compose import describe, options

        group = what.removesuffix("s")
        for name in options(group):
            typer.echo(f"{name:<14}{describe(group, name)}")


def _tasks() -> None:
    from stilts_xl.tasks.catalog import all_tasks

    for task in all_tasks().values():
        reach = f"{len(task.languages)} languages" if len(task.languages) > 1 else "English"
        trained = f", trained on {task.train_on}" if task.train_on else "" if task.learns else ", nothing to train"
        typer.echo(f"{task.name:<15}{task.kind:<10}{reach:<14}{task.title}{trained}")


def _runs(workspace: Path) -> None:
    from stilts_xl.core.errors import Mistake
    from stilts_xl.run.plan import plan
    from stilts_xl.store.runs import kept_runs

    runs = kept_runs(workspace)
    if not runs:
        raise Mistake(f"{workspace} holds no runs; stilts run makes some, -w names another workspace")
    for run in runs:
        cell = run.cell
        steps = plan(run.goals, workspace)
        left = sum(step.state == "missing" for step in steps)
        seed = "" if cell.seed is None else f"  seed {cell.seed}"
        state = "complete" if not left else f"{left} of {len(steps)} stages missing"
        typer.echo(f"{cell.model.name} → {cell.intermediate} → {cell.target}  protocol {cell.protocol}{seed}  {state}")


def show(
    what: Annotated[str, typer.Argument(help="task")], name: Annotated[str, typer.Argument(help="its name")]
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
        lines += [(f"file: {split}", f"{_paths(paths)}  ({layout.format})") for split, paths in layout.paths.items()]
    lines += _hub(task)
    lines += [("where", task.where)] if task.where else []
    lines += [("licence", task.licence), ("citation", task.citation), ("homepage", task.homepage)]
    for label, text in lines:
        typer.echo(f"{label:<18}{text}")


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


def _paths(paths: str | tuple[str, ...]) -> str:
    return paths if isinstance(paths, str) else " + ".join(paths)


def _hub(task: "Task") -> list[tuple[str, str]]:
    hub = task.hub
    if hub is None:
        return [("hub", "no copy that can be used")]
    splits = ", ".join(f"{ours} = {theirs}" for ours, theirs in hub.splits.items())
    pinned = (
        hub.revision if hub.revision != "main" else "main, pinned to a commit in hub-lock.json at the first contact"
    )
    lines = [("hub", f"{hub.repo}, configuration {hub.config}, {splits}"), ("hub revision", pinned)]
    return [*lines, ("hub deviation", hub.deviation)] if hub.deviation else lines
