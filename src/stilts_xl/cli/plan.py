"""stilts plan: what is here, what is missing, what is shared, before anything runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stilts_xl.cli.options import Limit, Offline, Overrides, Workspace, go_offline, was_offline

if TYPE_CHECKING:
    from stilts_xl.run.resolve import Chain


def plan(
    overrides: Overrides = None, workspace: Workspace = "outputs", limit: Limit = 0, offline: Offline = False
) -> None:
    """Show the stages of a run: ✓ here, ● missing, ○ absent but not needed. Changes nothing."""
    go_offline(offline)
    from stilts_xl.config.build import build_request
    from stilts_xl.config.compose import compose_run
    from stilts_xl.run.resolve import resolve

    print_plan(resolve(build_request(compose_run(overrides or []), workspace, limit, offline or was_offline())))


def print_plan(chain: "Chain") -> None:
    """Print a chain's stages, what other runs of the workspace share, and the languages without a file."""
    from rich.console import Console
    from rich.text import Text

    from stilts_xl.core.stage import Train, slug
    from stilts_xl.core.study import stages
    from stilts_xl.run.plan import plan as plan_of
    from stilts_xl.store.runs import kept_runs

    workspace = Path(chain.site.workspace)
    steps = plan_of(chain.goals, workspace)
    others: dict[str, set[str]] = {}
    for run in kept_runs(workspace):
        if run.goals != chain.goals:
            for stage in stages(run.goals):
                others.setdefault(slug(stage), set()).add(f"{run.cell.intermediate} → {run.cell.target}")
    console = Console(highlight=False)
    signs = {"here": ("✓", "green"), "missing": ("●", "yellow"), "unneeded": ("○", "dim")}
    for step in steps:
        sign, colour = signs[step.state]
        stage = step.stage
        words = [f"{slug(stage):<28}", "train" if isinstance(stage, Train) else "predict"]
        if isinstance(stage, Train):
            start = slug(stage.start) if isinstance(stage.start, Train) else stage.start.name
            words.append(f"from {start}, for {step.shared} of {len(chain.goals)} languages")
        if slug(stage) in others:
            words.append(f"(shared with {', '.join(sorted(others[slug(stage)]))})")
        console.print(Text(f"{sign} ", style=colour) + Text(" ".join(words)), soft_wrap=True)
    counts = {state: sum(step.state == state for step in steps) for state in signs}
    trainings = sum(step.state == "missing" and isinstance(step.stage, Train) for step in steps)
    summary = f"{len(steps)} stages: {counts['here']} here, {counts['missing']} missing ({trainings} trainings)"
    console.print(summary + (f", {counts['unneeded']} absent but not needed" if counts["unneeded"] else ""))
    if chain.absent:
        looked = next(iter(chain.absent.values()))[0]
        console.print(f"no file for {', '.join(chain.absent)} (looked for {looked} and the like)", soft_wrap=True)
