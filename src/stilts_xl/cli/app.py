"""The command line: verbs, exit codes, and errors of one to three lines."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from stilts_xl import __version__
from stilts_xl.cli import cache, data, doctor, listing, plan, report, run, score, status, submit, sweep, why
from stilts_xl.cli.options import examples
from stilts_xl.core.errors import StiltsError, file_error

INTERRUPTED = 130

app = typer.Typer(
    name="stilts",
    help="Intermediate-task transfer for multilingual encoders: pretrained → English intermediate task → English target "
    "task → zero-shot evaluation in every language.",
    epilog=examples(
        "stilts run target=tydiqa data=sample model=scratch protocol=smoke",
        "stilts ls tasks",
        "stilts run --help",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("run", epilog=examples(*run.EXAMPLES))(run.run)
app.command("sweep", epilog=examples(*sweep.EXAMPLES))(sweep.sweep)
app.command("plan", epilog=examples(*plan.EXAMPLES))(plan.plan)
app.command("why", epilog=examples(*why.EXAMPLES))(why.why)
app.command("status")(status.status)
app.command("report", epilog=examples(*report.EXAMPLES))(report.report)
app.command("score")(score.score)
app.command("submit")(submit.submit)
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
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """The console script. Exit 0 done, 1 failed while running, 2 a mistake in what was asked, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show '→' still shows the rest
    try:
        code = app(prog_name="stilts", standalone_mode=False)
    except StiltsError as error:
        typer.echo(f"error: {error}" if error.exit_code != INTERRUPTED else str(error), err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        told = file_error(error)
        if told is None:
            raise
        typer.echo(f"error: {told}", err=True)
        sys.exit(told.exit_code)
    except typer.TyperException as error:
        typer.echo(_usage(error), err=True)
        sys.exit(error.exit_code)
    if code == INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
        typer.echo("stopped at once; the same command goes on from the last checkpoint", err=True)
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # a second Ctrl-C means now: do not wait for threads of libraries
    sys.exit(code)


def _usage(error: typer.TyperException) -> str:
    """A call that Typer does not understand, as our own mistakes are told; a group without its verb gets its help."""
    text, context = error.format_message(), getattr(error, "ctx", None)
    if text.startswith("Usage:"):
        return text
    return f"error: {text[:1].lower()}{text[1:]}\nsee {context.command_path if context else 'stilts'} --help"
