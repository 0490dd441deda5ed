"""What is printed fits terminals of 80 and of 120 columns: help, lists and tables, line by line."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from calling import TINY, call
from stilts_xl.cli.app import app
from stilts_xl.cli.completion import THINGS
from stilts_xl.config.compose import compose_run
from stilts_xl.config.sweep import expand
from stilts_xl.tasks.catalog import all_tasks

WITH_EXAMPLES = ("run", "sweep", "plan", "report", "why")
CHAIN = ("intermediate=squad", "target=tydiqa", *TINY)


def verbs(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every verb, those of groups before their own verbs'."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, *path, name)


VERBS = [*verbs(get_command(app))]


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("w")
    said = call("run", *CHAIN, "languages=[en,te]", "-w", workspace)
    assert said.code == 0, said.err
    return workspace


def lines(*words: str | Path) -> list[str]:
    said = call(*words)
    assert (said.code, said.err) == (0, "")
    return said.out.splitlines()


def rows(name: str, found: list[str]) -> list[str]:
    """The lines under a heading of a help text, as far as they go."""
    begin = found.index(f"{name}:") + 1
    end = next((place for place in range(begin, len(found)) if not found[place]), len(found))
    return found[begin:end]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: " ".join(verb) or "stilts")
def test_the_help_of_every_verb_fits(verb: tuple[str, ...], width: int):
    found = lines(*verb, "--help")
    assert max(map(len, found)) <= width
    assert not [line for line in found if line.endswith("...") and not line.startswith("Usage")], "nothing is cut short"
    indents = {len(line) - len(line.lstrip()) for line in rows("Options", found)}
    assert len(indents) <= 2, "names in one column, what they are for in another"


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb], ids=" ".join)
def test_the_help_of_a_verb_is_a_line_in_the_list_of_verbs(verb: tuple[str, ...], width: int):
    (told,) = [line for line in rows("Commands", lines(*verb[:-1], "--help")) if line.split()[0] == verb[-1]]
    assert told.endswith(".")


@pytest.mark.parametrize("verb", WITH_EXAMPLES)
def test_examples_stand_on_lines_of_their_own_and_are_understood(verb: str, width: int):
    found = lines(verb, "--help")
    examples = [line.strip() for line in found[found.index("  For example:") + 1 :]]
    assert examples and all(line.startswith(f"stilts {verb}") for line in examples)
    for example in examples:
        settings = [word for word in shlex.split(example) if "=" in word]
        if verb == "report":
            said = call(*shlex.split(example.partition(" > ")[0])[1:], "-w", "nowhere")
            assert said.err.startswith("error: nowhere holds no predictions")
        elif verb in ("sweep", "plan"):
            assert expand(settings)
        else:
            compose_run(settings)


@pytest.mark.parametrize("words", [("--help",), ("sweep", "--help"), ("ls", "tasks"), ("show", "task", "tatoeba")])
def test_a_narrow_terminal_is_no_error(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    for width in ("0", "1", "40", "text", ""):
        monkeypatch.setenv("COLUMNS", width)
        assert lines(*words)


@pytest.mark.parametrize("what", THINGS)
def test_lists_have_a_row_for_each_thing_and_below_it_only_the_rest_of_its_last_column(
    what: str, width: int, workspace: Path, monkeypatch: pytest.MonkeyPatch
):
    found = lines("ls", what, "-w", workspace)
    assert max(map(len, found)) <= width
    monkeypatch.delenv("COLUMNS")
    whole = lines("ls", what, "-w", workspace)
    heads = [line for line in found if line[0] != " "]
    assert len(heads) == len(whole)
    for column in {len(line) - len(line.lstrip()) for line in found} - {0}:
        assert all(line[column - 1] == " " != line[column] for line in found), "it is the last column's"
    assert [word for line in found for word in line.split()] == [word for line in whole for word in line.split()]


@pytest.mark.parametrize("task", all_tasks())
def test_a_task_is_shown_in_two_columns(task: str, width: int):
    found = lines("show", "task", task)
    assert max(map(len, found)) <= width
    for line in found:
        label, text = line[:18], line[18:]
        assert (text and text[0] != " " and label.endswith(" ")) or label == f"    {label[4:]}" or not text, line


@pytest.mark.parametrize(
    "verb", [("report",), ("cache", "ls"), ("plan", *CHAIN), ("data", "check", *CHAIN)], ids=" ".join
)
def test_tables_of_a_workspace_fit(verb: tuple[str, ...], width: int, workspace: Path):
    assert max(map(len, lines(*verb, "-w", workspace))) <= width


def test_in_a_pipe_every_thing_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert len(lines("ls", "tasks")) == len(all_tasks())
    assert max(map(len, lines("show", "task", "udpos"))) > 120
