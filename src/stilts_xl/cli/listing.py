"""stilts ls and stilts show: what there is, and one of them in full."""

from pathlib import Path
from typing import Annotated

import typer

from stilts_xl.cli.options import Workspace

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
        trained = f", trained on {task.train_on}" if task.train_on else ""
        typer.echo(f"{task.name:<10}{task.kind:<10}{reach:<14}{task.title}{trained}")


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
        state = "complete" if not left else f"{left} of {len(steps)} stages missing"
        typer.echo(
            f"{cell.model.name} → {cell.intermediate} → {cell.target}  protocol {cell.protocol}  seed {cell.seed}  {state}"
        )


def show(
    what: Annotated[str, typer.Argument(help="task")], name: Annotated[str, typer.Argument(help="its name")]
) -> None:
    """Show one task: data, languages, licence, citation."""
    from stilts_xl.core.errors import unknown
    from stilts_xl.tasks.catalog import task_named

    if what != "task":
        raise unknown("thing to show", what, ["task"])
    task = task_named(name)
    lines = [
        ("task", f"{task.name} ({task.title})"),
        ("kind", task.kind),
        ("languages", " ".join(task.languages)),
        ("trained on", f"the English rows of {task.source_task}"),
        ("metrics", ", ".join(task.metrics)),
        ("sizes", task.sizes),
    ]
    for layout in task.files:
        lines += [(f"file: {split}", f"{path}  ({layout.format})") for split, path in layout.paths.items()]
    if task.hub is not None:
        splits = ", ".join(f"{ours} = {theirs}" for ours, theirs in task.hub.splits.items())
        lines.append(("hub", f"{task.hub.repo}, configuration {task.hub.config}, {splits}"))
    lines += [("licence", task.licence), ("citation", task.citation), ("homepage", task.homepage)]
    for label, text in lines:
        typer.echo(f"{label:<18}{text}")
