"""Options that several verbs share, and what has to happen before anything heavy is imported."""

import os
from typing import Annotated

import typer

from stilts_xl.cli.completion import grid_settings, settings

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="settings, as intermediate=squad target=tydiqa; run --cfg prints them all",
        metavar="KEY=VALUE",
        autocompletion=settings,
    ),
]
GridOverrides = Annotated[
    list[str] | None,
    typer.Argument(
        help="settings, as study=NAME, or intermediate=none,squad target=tydiqa; run --cfg prints them all",
        metavar="KEY=VALUE",
        autocompletion=grid_settings,
    ),
]
Workspace = Annotated[
    str,
    typer.Option(
        "--workspace", "-w", envvar="STILTS_WORKSPACE", metavar="DIR", help="where everything that is made is kept"
    ),
]
Limit = Annotated[
    int, typer.Option(min=0, metavar="N", help="use the first N examples of each split, and say so; 0 is all")
]
Offline = Annotated[
    bool, typer.Option("--offline", help="open no connection; the Hub's cache and lock file must suffice")
]


def examples(*commands: str) -> str:
    """The end of a verb's help: commands that can be copied, a line each."""
    return "\n".join(["\b", "For example:", *(f"  {command}" for command in commands)])


def go_offline(offline: bool) -> None:
    """Tell the Hub's libraries before they are imported: they read these once."""
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"


def was_offline() -> bool:
    """Whether the environment asks for it already."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")
