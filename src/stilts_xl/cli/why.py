"""stilts why: the nearest stage that is here, and the settings in which it differs."""

from pathlib import Path
from typing import Annotated

import typer

from stilts_xl.cli.options import Limit, Offline, Workspace, go_offline, was_offline


def why(
    words: Annotated[list[str], typer.Argument(help="a stage as plan prints it, or settings as for run, or both")],
    workspace: Workspace = "outputs",
    limit: Limit = 0,
    offline: Offline = False,
) -> None:
    """Say why a stage is not the one that is here: stilts why mnli-81c07d55, or stilts why target=xnli seed=2."""
    go_offline(offline)
    from stilts_xl.core.errors import Mistake, unknown
    from stilts_xl.core.stage import Stage, slug
    from stilts_xl.core.study import stages
    from stilts_xl.run.plan import relative
    from stilts_xl.store.runs import kept_runs
    from stilts_xl.store.store import completed, records

    names = [word for word in words if "=" not in word]
    overrides = [word for word in words if "=" in word]
    if len(names) > 1:
        raise Mistake(f"one stage at a time, found {', '.join(names)}")
    folder = Path(workspace)
    known: dict[str, Stage] = {record.slug: record.stage for _, record in records(folder) if record is not None}
    known |= {slug(stage): stage for run in kept_runs(folder) for stage in stages(run.goals)}
    asked: list[Stage] = []
    if overrides:
        from stilts_xl.config.build import build_request
        from stilts_xl.config.compose import compose_run
        from stilts_xl.run.resolve import resolve

        chain = resolve(build_request(compose_run(overrides), workspace, limit, offline or was_offline()))
        asked = [stage for stage in stages(chain.goals) if completed(folder, stage) is None]
        known |= {slug(stage): stage for stage in stages(chain.goals)}
    if names:
        if names[0] not in known:
            raise (
                unknown("stage", names[0], known)
                if known
                else Mistake(f"{workspace} knows no stages yet; stilts run makes some")
            )
        asked = [known[names[0]]]
    for stage in asked:
        state = "here" if completed(folder, stage) else "missing"
        found = relative(stage, folder)
        if found is None:
            typer.echo(f"{slug(stage)} ({state}): nothing here is like it")
            continue
        other, differing = found
        typer.echo(f"{slug(stage)} ({state}): nearest is {other.slug}, which differs in")
        for path, here, there in differing:
            typer.echo(f"  {path}: {here} here asked, {there} there")
    if not asked:
        typer.echo("every stage of this run is here")
