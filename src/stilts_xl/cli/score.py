"""stilts score: a folder of predictions in XTREME's submission layout against a folder of labels."""

from pathlib import Path
from typing import Annotated

import typer

FORMATS = ("table", "json")


def score(
    predictions: Annotated[Path, typer.Option(metavar="DIR", help="folder with TASK/test-LANGUAGE.tsv or .json files")],
    labels: Annotated[Path, typer.Option(metavar="DIR", help="folder of the same layout with the gold labels")],
    suite: Annotated[str, typer.Option(metavar="NAME", help="the benchmark: xtreme")] = "xtreme",
    format: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="table or json")] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write to this file, not to the terminal")
    ] = None,
) -> None:
    """Score a folder in XTREME's submission layout. The digits are those of XTREME's own evaluator."""
    from stilts_xl.core.errors import Mistake, unknown
    from stilts_xl.report.render import plain
    from stilts_xl.report.suite import as_json, score_folders, suite_named, tables

    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    wanted = suite_named(suite)
    found = score_folders(predictions, labels, wanted)
    text = as_json(found) if format == "json" else plain(tables(found))
    for note in found.notes if format == "json" else ():
        typer.echo(note, err=True)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise Mistake(f"--output {output} cannot be written: {error.strerror}") from None
    typer.echo(f"written to {output}", err=True)
