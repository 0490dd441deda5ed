"""stilts why: the nearest stage that is here, and the settings in which it differs."""

from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stilts_xl.cli.completion import stages_and_settings
from stilts_xl.cli.options import Limit, Offline, Workspace, go_offline, was_offline

EXAMPLES = ("stilts why mnli-81c07d55", "stilts why target=xnli seed=2")

if TYPE_CHECKING:
    from stilts_xl.core.stage import Model, Stage


def why(
    words: Annotated[
        list[str],
        typer.Argument(
            help="a stage as plan prints it, or settings as for run, or both",
            metavar="STAGE|KEY=VALUE",
            autocompletion=stages_and_settings,
        ),
    ],
    workspace: Workspace = "outputs",
    limit: Limit = 0,
    offline: Offline = False,
) -> None:
    """Say why a stage is missing. Printed are the nearest one that is here, and the settings that differ."""
    go_offline(offline)
    from stilts_xl.core.errors import Mistake
    from stilts_xl.core.stage import slug
    from stilts_xl.core.study import stages
    from stilts_xl.store.runs import kept_runs
    from stilts_xl.store.store import completed, records

    names = [word for word in words if "=" not in word]
    overrides = [word for word in words if "=" in word]
    if len(names) > 1:
        raise Mistake(f"one stage at a time, found {', '.join(names)}")
    folder = Path(workspace)
    known: dict[str, Stage] = {record.slug: record.stage for _, record in records(folder) if record is not None}
    known |= {slug(stage): stage for run in kept_runs(folder) for stage in stages(run.goals)}
    missing: list[Stage] = []
    if overrides:
        from stilts_xl.cli.sample import prepare_sample
        from stilts_xl.config.build import build_request
        from stilts_xl.config.compose import compose_run
        from stilts_xl.run.resolve import resolve

        request = build_request(compose_run(overrides), workspace, limit, offline or was_offline())
        prepare_sample([request.place])
        chain = resolve(request)
        missing = [stage for stage in stages(chain.goals) if completed(folder, stage) is None]
        known |= {slug(stage): stage for stage in stages(chain.goals)}
    if names:
        typer.echo("\n".join(_explained(_named(names[0], known, workspace), folder)))
        return
    first = [stage for stage in missing if _below(stage) not in missing]
    alike: dict[tuple[str, ...], list[str]] = {}
    for stage in first:
        head, *differences = _explained(stage, folder)
        alike.setdefault(tuple(differences) or (head,), []).append(head)
    for reasons, heads in alike.items():
        typer.echo("\n".join(dict.fromkeys([heads[0], *reasons])))
        if heads[1:]:
            typer.echo(f"and {len(heads) - 1} more in the same")
    if len(missing) > len(first):
        typer.echo(f"and {len(missing) - len(first)} missing stages that stand on it")
    if not missing:
        typer.echo("every stage of this run is here")


def _named(name: str, known: "Mapping[str, Stage]", workspace: str) -> "Stage":
    from difflib import get_close_matches

    from stilts_xl.core.errors import Mistake

    if name in known:
        return known[name]
    if not known:
        raise Mistake(f"{workspace} knows no stages yet; stilts run makes some, -w names another workspace")
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise Mistake(f"unknown stage '{name}'.{hint}\nstilts cache ls -w {workspace} lists those that are here")


def _below(stage: "Stage") -> "Stage | Model":
    from stilts_xl.core.stage import Predict

    return stage.model if isinstance(stage, Predict) else stage.start


def _explained(stage: "Stage", folder: Path) -> list[str]:
    """The nearest stage that is here, and a line for each difference."""
    from stilts_xl.core.stage import slug
    from stilts_xl.run.plan import relative
    from stilts_xl.store.store import completed

    state = "here" if completed(folder, stage) else "missing"
    found = relative(stage, folder)
    if found is None:
        return [f"{slug(stage)} ({state}): nothing here is like it"]
    other, differing = found
    head = f"{slug(stage)} ({state}): nearest is {other.slug}, which differs in"
    return [
        head,
        *(f"  {path}: {asked} asked, {there} there" for path, asked, there in _told(stage, other.stage, differing)),
    ]


def _told(stage: "Stage", other: "Stage", differing: list[tuple[str, Any, Any]]) -> Iterator[tuple[str, str, str]]:
    """(setting, asked, there) for people: where one chain begins with a training and the other does not, that alone."""
    starts = [path.removesuffix(".type") for path, _, _ in differing if path.endswith(".type")]
    for start in starts:
        if not any(start.startswith(f"{outer}.") for outer in starts):
            asked, there = (reduce(getattr, start.split("."), node) for node in (stage, other))
            yield start, _name(asked), _name(there)
    for path, asked, there in differing:
        if not any(path.startswith(f"{start}.") for start in starts):
            yield path, _brief(asked), _brief(there)


def _name(node: "Stage | Model") -> str:
    from stilts_xl.core.stage import Predict, Train, slug

    return slug(node) if isinstance(node, Train | Predict) else node.name


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(value[part]) for part in ("task", "split", "language") if part in value) or "another"
    return "none" if value is None else str(value)
