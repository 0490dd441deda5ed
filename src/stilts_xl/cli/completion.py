"""What a shell offers when somebody presses Tab: settings, tasks, stages. Nothing is printed and nothing fails."""

import os
from pathlib import Path

import typer

THINGS = ("tasks", "models", "protocols", "studies", "data", "runs")
"""What stilts ls lists."""


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Settings of one chain."""
    return _settings(ctx, incomplete, grid=False)


def grid_settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Settings of a grid: studies too, and several values with commas between them."""
    return _settings(ctx, incomplete, grid=True)


def stages_and_settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Stages that the workspace has, and settings of one chain."""
    _, cut, _ = _typed(ctx, incomplete)
    stages = Path(ctx.params.get("workspace") or "outputs") / "stages"
    try:
        names = [] if cut or "=" in incomplete else sorted(path.name for path in stages.iterdir())
    except OSError:
        names = []
    return [name for name in names if name.startswith(incomplete)] + _settings(ctx, incomplete, grid=False)


def fetched(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tasks that have a copy on the Hub, and the folder that their data go to."""
    from stilts_xl.tasks.catalog import all_tasks

    words, cut, _ = _typed(ctx, incomplete)
    if cut or "=" in incomplete:
        return []
    names = [task.name for task in all_tasks().values() if task.hub is not None or task.parts]
    found = [name for name in names if name.startswith(incomplete) and name not in words]
    root = "data.root="
    return found + (
        [root, f"{root}…"] if root.startswith(incomplete) and not any("=" in word for word in words) else []
    )


def targets(incomplete: str) -> list[str]:
    """Tasks that can be a target."""
    from stilts_xl.config.words import roles

    return [name for name in roles("target") if name.startswith(incomplete)]


def tasks(incomplete: str) -> list[str]:
    """Every task."""
    from stilts_xl.tasks.catalog import all_tasks

    return [name for name in all_tasks() if name.startswith(incomplete)]


def things(incomplete: str) -> list[str]:
    """What stilts ls lists."""
    return [name for name in THINGS if name.startswith(incomplete)]


def shown() -> list[str]:
    """What stilts show shows."""
    return ["task"]


def _settings(ctx: typer.Context, incomplete: str, grid: bool) -> list[str]:
    from stilts_xl.config.words import completions

    words, cut, word = _typed(ctx, incomplete)
    return [found[len(cut) :] for found in completions(word, words, grid)]


def _typed(ctx: typer.Context, incomplete: str) -> tuple[list[str], str, str]:
    """The words before the one at the cursor, what of that one the shell keeps as it is, and that one as far as it is typed.

    bash ends a word at '=', and hands 'model=scr' over as 'model', '=' and 'scr', of which it replaces the last.
    """
    if os.environ.get("_STILTS_COMPLETE") != "complete_bash":
        return [*(ctx.params.get("overrides") or ctx.params.get("words") or ())], "", incomplete
    pieces = os.environ["COMP_WORDS"].split("\n")
    place = int(os.environ["COMP_CWORD"])
    words = [""]
    for piece in pieces[1:place]:
        if piece == "=" or words[-1].endswith("="):
            words[-1] += piece
        else:
            words.append(piece)
    if pieces[place : place + 1] == ["="]:
        return words[:-1], f"{words[-1]}=", f"{words[-1]}="
    if words[-1].endswith("="):
        return words[:-1], words[-1], words[-1] + incomplete
    return words, "", incomplete
