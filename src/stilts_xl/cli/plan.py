"""stilts plan: what is here, what is missing, what is shared, before anything runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from stilts_xl.cli.options import GridOverrides, Limit, Offline, Workspace, go_offline, was_offline

EXAMPLES = (
    "stilts plan intermediate=squad target=tydiqa",
    "stilts plan study=xtreme data=local data.root=DIR",
)

if TYPE_CHECKING:
    from stilts_xl.core.stage import Train
    from stilts_xl.run.resolve import Chain

SIGNS = {"here": ("✓", "green"), "missing": ("●", "yellow"), "unneeded": ("○", "dim")}


def plan(
    overrides: GridOverrides = None, workspace: Workspace = "outputs", limit: Limit = 0, offline: Offline = False
) -> None:
    """Show what a run or a sweep would do. No stage is made.

    ✓ is here, ● is missing, ○ is absent but not needed.
    """
    go_offline(offline)
    if is_grid(overrides or []):
        from stilts_xl.cli.sweep import announce, chains_of

        chains, _ = chains_of(overrides or [], workspace, limit, offline or was_offline(), partial=True)
        announce(chains, Path(workspace))
        return
    from stilts_xl.cli.sample import prepare_sample
    from stilts_xl.config.build import build_request
    from stilts_xl.config.compose import compose_run
    from stilts_xl.run.resolve import resolve

    request = build_request(compose_run(overrides or []), workspace, limit, offline or was_offline())
    prepare_sample([request.place])
    print_plan(resolve(request))


def is_grid(overrides: list[str]) -> bool:
    """Whether the words of a call name more than one chain, or a study."""
    from stilts_xl.config.sweep import is_axis

    return any(is_axis(text) for text in overrides)


def print_plan(chain: "Chain") -> None:
    """Print a chain's stages, what other runs of the workspace share, and the languages without a file."""
    from rich.console import Console
    from rich.text import Text

    from stilts_xl.core.stage import Train, slug
    from stilts_xl.run.plan import plan as plan_of

    workspace = Path(chain.site.workspace)
    steps = plan_of(chain.goals, workspace)
    shared = _shared(chain, workspace)
    cell = chain.cell
    console = Console(highlight=False)
    console.print(f"{cell.model.name} → {cell.intermediate} → {cell.target}", style="bold", soft_wrap=True)
    console.print(f"protocol {cell.protocol}{_seed(cell.seed)} · {cell.split} split", soft_wrap=True)
    width = max(len(slug(step.stage)) for step in steps)
    for step in steps:
        sign, colour = SIGNS[step.state]
        stage = step.stage
        notes = [_start(stage)] if isinstance(stage, Train) else []
        notes += [f"shared with {shared[slug(stage)]}"] if slug(stage) in shared else []
        what = "train" if isinstance(stage, Train) else "predict"
        words = f"{slug(stage):<{width}}  {what:<7}  {', '.join(notes)}".rstrip()
        console.print(Text.assemble((f"{sign} ", colour), words), soft_wrap=True)
    if chain.absent:
        looked = next(iter(chain.absent.values()))[0]
        console.print(f"– no file for {', '.join(chain.absent)} (looked for {looked} and the like)", soft_wrap=True)
    counts = {state: sum(step.state == state for step in steps) for state in SIGNS}
    trainings = sum(step.state == "missing" and isinstance(step.stage, Train) for step in steps)
    summary = f"{len(steps)} stages: {counts['here']} here, {counts['missing']} missing"
    summary += f" ({trainings} to train, {counts['missing'] - trainings} to predict)" if counts["missing"] else ""
    console.print(summary + (f", {counts['unneeded']} absent but not needed" if counts["unneeded"] else ""))


def _seed(seed: int | None) -> str:
    return "" if seed is None else f" · seed {seed}"


def _start(stage: "Train") -> str:
    from stilts_xl.core.stage import Train, slug

    return f"from {slug(stage.start) if isinstance(stage.start, Train) else stage.start.name}"


def _shared(chain: "Chain", workspace: Path) -> dict[str, str]:
    """Slug -> the other runs of the workspace that stand on that stage too, the first two by name."""
    from stilts_xl.core.stage import slug
    from stilts_xl.core.study import stages
    from stilts_xl.store.runs import kept_runs

    found: dict[str, dict[str, None]] = {}
    for run in kept_runs(workspace):
        if run.goals != chain.goals:
            for stage in stages(run.goals):
                found.setdefault(slug(stage), {})[f"{run.cell.intermediate} → {run.cell.target}"] = None
    return {
        name: ", ".join(list(runs)[:2]) + (f" and {len(runs) - 2} more" if len(runs) > 2 else "")
        for name, runs in found.items()
    }
