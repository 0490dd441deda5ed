"""The house keeps its order: what may import what, how long things may be, and what is never written."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import stilts_xl

HOUSE = Path(stilts_xl.__file__).parent
FILES = sorted(path for path in HOUSE.rglob("*.py") if "configs" not in path.parts)
NAMES = [path.relative_to(HOUSE).as_posix() for path in FILES]
LEVELS = (
    {"core"},
    {"tasks"},
    {"model", "data", "metrics"},
    {"kinds"},
    {"engine", "store", "config"},
    {"report", "run"},
    {"cli"},
)
"""Lowest first; a room imports itself and lower levels."""
LEVEL = {room: number for number, level in enumerate(LEVELS) for room in level}
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions(path: Path) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def public(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """(name, node) of a module's public functions and classes, and of the classes' public methods."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{owner}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of a file, wherever it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            module = node.module or ""
            if module == "stilts_xl":
                yield from ((node.lineno, f"stilts_xl.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def room(path: Path) -> str:
    parts = path.relative_to(HOUSE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.fixture(params=FILES, ids=NAMES)
def file(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def test_every_room_has_its_level():
    assert {room(path) for path in FILES} - {""} == set(LEVEL)


def test_imports_run_downwards_only(file: Path):
    here = room(file)
    for line, module in imported(file):
        if module.startswith("stilts_xl.") and here:
            there = module.split(".")[1]
            assert there == here or there not in LEVEL or LEVEL[there] < LEVEL[here], f"{file}:{line}: {here} → {there}"


@pytest.mark.parametrize("path", [path for path in FILES if room(path) == "core"], ids=lambda path: path.stem)
def test_core_stands_on_the_standard_library_alone(path: Path):
    for line, module in imported(path):
        first = module.split(".")[0]
        assert first in sys.stdlib_module_names or module.startswith("stilts_xl.core"), f"{path}:{line}: {module}"


def test_only_command_bodies_import_locally(file: Path):
    if room(file) == "cli":
        return
    for function in functions(file):
        for node in ast.walk(function):
            assert not isinstance(node, ast.Import | ast.ImportFrom), f"{file}:{node.lineno}: local import"


def test_the_command_line_imports_nothing_heavy_before_a_command(file: Path):
    if room(file) != "cli":
        return
    light = {"typer", "rich", "stilts_xl"} | sys.stdlib_module_names
    for node in tree(file).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in [node.module or ""] if isinstance(node, ast.ImportFrom) else [part.name for part in node.names]:
                assert name.split(".")[0] in light, f"{file}:{node.lineno}: {name}"
                assert not name.startswith("stilts_xl.") or name.split(".")[1] in ("cli", "core"), f"{file}: {name}"


def test_modules_and_functions_are_short(file: Path):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    for function in functions(file):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{file}:{function.lineno}: {function.name} has {length} lines"


def test_a_file_is_named_after_what_it_holds(file: Path):
    assert file.stem not in EMPTY_NAMES
    assert not EMPTY_NAMES & set(file.relative_to(HOUSE).parts)


def test_a_module_opens_with_a_sentence(file: Path):
    opening = ast.get_docstring(tree(file))
    assert opening, f"{file} has no docstring"
    assert opening.split("\n\n")[0].rstrip().endswith("."), f"{file}: {opening!r}"


def test_what_is_public_says_what_it_does_and_has_types(file: Path):
    for name, node in public(tree(file).body):
        assert ast.get_docstring(node), f"{file}:{node.lineno}: {name} has no docstring"
        if isinstance(node, Function):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            untyped = [one.arg for one in arguments if one.annotation is None and one.arg not in ("self", "cls")]
            assert not untyped, f"{file}:{node.lineno}: {name}({untyped[0]}) has no type"
            assert node.returns is not None, f"{file}:{node.lineno}: {name} does not say what it returns"


def test_no_error_is_swallowed_whole(file: Path):
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ExceptHandler):
            names = [one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)] if node.type else []
            assert names, f"{file}:{node.lineno}: a bare except"
            assert "Exception" not in names, f"{file}:{node.lineno}: except Exception"
            again = any(isinstance(one, ast.Raise) and one.exc is None for one in ast.walk(node))
            assert "BaseException" not in names or again, f"{file}:{node.lineno}: BaseException is not raised again"


def test_nothing_reads_a_pickle_or_runs_foreign_code(file: Path):
    for line, module in imported(file):
        assert module.split(".")[0] not in ("pickle", "cPickle", "dill", "joblib", "shelve"), f"{file}:{line}"
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("torch.load", "eval", "exec", "os.system"), f"{file}:{node.lineno}"
            assert "trust_remote_code" not in [given.arg for given in node.keywords], f"{file}:{node.lineno}"


def test_nothing_of_ours_is_inherited_but_errors(file: Path):
    ours = {node.name for path in FILES for node in tree(path).body if isinstance(node, ast.ClassDef)}
    for node in tree(file).body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases} & ours - {"StiltsError"}
            assert not bases, f"{file}:{node.lineno}: {node.name} inherits from {bases}"


ABSOLUTE = re.compile(r"""["'](/(?!proc/)[a-z]+/[\w./-]+|[A-Z]:\\)""")


@pytest.mark.parametrize(
    "path",
    [*FILES, *sorted((HOUSE.parents[1] / "configs").rglob("*.yaml"))],
    ids=lambda path: path.relative_to(HOUSE.parents[1]).as_posix(),
)
def test_no_path_belongs_to_one_machine(path: Path):
    found = ABSOLUTE.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{path}: {found.group()}"
