"""stilts run: one chain, then its table."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stilts_xl.cli.options import Limit, Offline, Overrides, Workspace, go_offline, was_offline
from stilts_xl.cli.slurm import print_scripts, submit_grid

EXAMPLES = (
    "stilts run target=tydiqa data=sample model=scratch protocol=smoke",
    "stilts run intermediate=squad target=tydiqa",
    "stilts run intermediate=mnli target=xnli data=local data.root=DIR",
    "stilts run target=xquad model=xlmr_base seed=2 target.learning_rate=3e-5",
)

if TYPE_CHECKING:
    from stilts_xl.core.stage import Stage
    from stilts_xl.run.resolve import Chain


def run(
    overrides: Overrides = None,
    workspace: Workspace = "outputs",
    limit: Limit = 0,
    offline: Offline = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="show the plan and stop")] = False,
    cfg: Annotated[bool, typer.Option("--cfg", help="print the composed configuration and stop")] = False,
) -> None:
    """Run one chain and print its table. The same command again continues it, or does nothing."""
    go_offline(offline)
    from stilts_xl.config.build import build_request
    from stilts_xl.config.compose import compose_run

    composed = compose_run(overrides or [])
    if cfg:
        import yaml

        typer.echo(yaml.safe_dump(composed, sort_keys=False, allow_unicode=True), nl=False)
        return
    request = build_request(composed, workspace, limit, offline or was_offline())

    from stilts_xl.cli.plan import print_plan
    from stilts_xl.cli.sample import prepare_sample
    from stilts_xl.core.study import stages
    from stilts_xl.run.plan import missing_stages
    from stilts_xl.run.resolve import resolve
    from stilts_xl.store.calls import Call, keep_call
    from stilts_xl.store.runs import Run, keep_run
    from stilts_xl.store.store import require_writable

    prepare_sample([request.place])
    chain = resolve(request)
    todo = missing_stages(chain.goals, Path(workspace))
    if dry_run:
        print_plan(chain)
        if request.launch.launcher == "slurm":
            print_scripts(todo, [chain], request.launch)
        return
    require_writable(Path(workspace))
    asked = Run(chain.cell, chain.goals, chain.absent, request.place.source, limit)
    keep_call(Path(workspace), Call(("stilts", *sys.argv[1:]), (keep_run(Path(workspace), asked),)))
    if todo and request.launch.launcher == "slurm":
        submit_grid(todo, [chain], request.launch, Path(workspace))
        return
    if todo:
        _make(todo, chain, Path(workspace))
    else:
        count = len(stages(chain.goals))
        typer.echo(f"✓ {count} {'stage' if count == 1 else 'stages'} here, nothing to do")

    from stilts_xl.cli.report import print_run

    print_run(asked, Path(workspace))


def _make(todo: "tuple[Stage, ...]", chain: "Chain", workspace: Path) -> None:
    from stilts_xl.cli.interrupt import graceful
    from stilts_xl.cli.progress import show, stderr
    from stilts_xl.core.errors import Interrupted
    from stilts_xl.core.study import stages
    from stilts_xl.run.estimate import expected
    from stilts_xl.run.runner import run_missing

    console = stderr()
    with graceful(console.print) as stopping, show(todo, console, expected=expected(workspace)) as reporter:
        try:
            made = run_missing(todo, chain.site, reporter, stopping)
        except Interrupted as stop:
            raise Interrupted(f"{stop}\ngo on with: {shlex.join(['stilts', *sys.argv[1:]])}") from None
    before = len(stages(chain.goals)) - len(todo)
    typer.echo(f"✓ {made.trained} trained, {made.predicted} predicted, {before} here before")
