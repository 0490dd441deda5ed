"""The command line: verbs, exit codes, and errors of one to three lines."""

import os
import sys
from typing import Annotated

import typer

from stilts_xl import __version__
from stilts_xl.cli import cache, data, doctor, listing, plan, report, run, why
from stilts_xl.core.errors import StiltsError

app = typer.Typer(
    name="stilts",
    help="Intermediate-task transfer for multilingual encoders: pretrained → English intermediate task → English target "
    "task → zero-shot evaluation in every language.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("why")(why.why)
app.command("report")(report.report)
app.command("ls")(listing.ls)
app.command("show")(listing.show)
app.add_typer(data.app, name="data")
app.add_typer(cache.app, name="cache")
app.command("doctor")(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"stilts-xl {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """The console script. Exit 0 done, 1 failed while running, 2 a mistake in what was asked, 130 interrupted."""
    try:
        app()
    except StiltsError as error:
        typer.echo(f"error: {error}" if error.exit_code != 130 else str(error), err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("stopped at once; the same command goes on from the last checkpoint", err=True)
        sys.stdout.flush()
        os._exit(130)  # a second Ctrl-C means now: do not wait for threads of libraries
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
