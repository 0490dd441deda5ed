"""stilts submit: the best chain of each target, as a folder in XTREME's submission layout."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from stilts_xl.cli.options import Workspace


def submit(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="the folder to write: TASK/test-LANGUAGE files and manifest.json")
    ],
    workspace: Workspace = "outputs",
    suite: Annotated[str, typer.Option(metavar="NAME", help="the benchmark: xtreme")] = "xtreme",
    model: Annotated[
        str, typer.Option(metavar="NAME", help="the model, where the workspace has predictions of several")
    ] = "",
    use: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET=INTERMEDIATE", help="this chain, not the best one; may be repeated"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="DIR", help="also write the gold, for stilts score, to this folder")
    ] = None,
) -> None:
    """Write a folder in XTREME's submission layout. For each target, the chain with the best English validation score."""
    from stilts_xl.core.errors import Mistake
    from stilts_xl.report.submit import choices, write_submission
    from stilts_xl.report.suite import suite_named
    from stilts_xl.store.runs import kept_runs

    wanted = suite_named(suite)
    pairs = [text.partition("=") for text in use or []]
    wrong = [f"{target}{sign}{name}" for target, sign, name in pairs if not (target and name)]
    if wrong:
        raise Mistake(f"--use {wrong[0]}: expected TARGET=INTERMEDIATE, as in --use tatoeba=squad")
    runs = kept_runs(Path(workspace))
    chosen = choices(Path(workspace), runs, wanted, model, {target: name for target, _, name in pairs})
    try:
        manifest = write_submission(Path(workspace), chosen, wanted, out, labels)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise Mistake(f"{error.filename} cannot be written: {error.strerror}") from None
    for name, entry in manifest["targets"].items():
        value = "" if entry["english_validation"] is None else f", English validation {entry['english_validation']:.2f}"
        typer.echo(f"✓ {name:<10} {entry['model']} → {entry['intermediate']}  ({entry['chosen_because']}{value})")
        if entry["missing"]:
            typer.echo(f"  missing: {', '.join(entry['missing'])}")
    if manifest["absent"]:
        typer.echo(f"– no predictions of {', '.join(manifest['absent'])}")
    typer.echo(f"written to {out}, with {out / 'manifest.json'}")
    asked = shlex.join(
        ["stilts", "score", "--predictions", str(out), "--labels", "DIR" if labels is None else str(labels)]
    )
    torn = [name for name, entry in manifest["targets"].items() if entry["missing"]]
    typer.echo(f"stilts score needs every language of {', '.join(torn)}" if torn else f"next: {asked}")
