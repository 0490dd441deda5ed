"""Every stilts line in README's code blocks is run: as it stands where that needs nothing, else with a small model and data.

A line that this file does not know how to run, or that is no longer right, fails.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from calling import NO_DATA, TINY, Said, call
from sample_rows import ROWS

README = Path(__file__).resolve().parents[1] / "README.md"
BUNDLED = ("model=scratch", "model=mini")
CLUSTERS = ("compute=ray", "compute=slurm")
"""Lines for these only show what they would make; tests/run/test_ray.py and test_slurm.py run them."""
LARGE = re.compile(r"study=xtreme\w*")
ELSEWHERE = {"--install-completion": Path(__file__).parent / "cli" / "test_completion.py"}
"""What a line begins with -> the file that tests it."""
SHORT = ("intermediate.max_steps=2", "target.max_steps=2", "compute.workers=0", "--limit", "4")
"""For a grid: a few steps on a few rows, in this process."""


@dataclass(frozen=True)
class Line:
    """A command of README, and what README says that it prints."""

    words: tuple[str, ...]
    printed: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.words)


def blocks() -> list[str]:
    """The code blocks, each line whole."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands() -> list[Line]:
    """Every stilts command, also one that another program is to start."""
    found: list[Line] = []
    for block in blocks():
        for part in filter(None, re.split(r"^(?=\$ )", block, flags=re.MULTILINE)):
            first, *rest = part.splitlines()
            shown = tuple(rest) if first.startswith("$ ") else ()
            for line in [first] if shown else part.splitlines():
                if match := re.search(r"^(?:\$ |.* -- +)?stilts (.*)", line.strip()):
                    found.append(Line(tuple(shlex.split(match[1], comments=True)), shown))
    return found


COMMANDS = commands()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all lines: what several of them need is made once."""
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def model(workspace: Path) -> Path:
    """A model's folder, as a line's model.path=DIR means one."""
    assert call("run", "target=mnli", *TINY, "-w", workspace).code == 0
    (folder,) = (path.parent for path in workspace.glob("stages/mnli-*/model.safetensors"))
    return folder


def stands(line: Line) -> bool:
    """Whether a line needs no network and no files of the user's."""
    return "data=sample" in line.words and bool({*BUNDLED} & {*line.words})


def small(line: Line, model: Path) -> tuple[str, ...]:
    """The line with the groups of NO_DATA and the rows of tests/sample for its own, and folders for DIR."""
    words = [f"model.path={model}" if word == "model.path=DIR" else word for word in line.words]
    own = [word for word in words if not re.match(r"(model|protocol|data|compute|data\.root|compute\.\w+)=", word)]
    assert "DIR" not in " ".join(own), f"{line}: nothing stands for this DIR"
    rows = ("data=sample",) if "data=sample" in words else ROWS
    return (*own, *rows, *(word for word in NO_DATA if not (word == "model=scratch" and f"model.path={model}" in own)))


def require_done(said: Said, line: Line) -> None:
    assert said.code == 0, f"stilts {line}\n{said.err}"
    assert said.out.strip(), f"stilts {line}"


def test_no_line_is_overlooked():
    code = re.sub(r"(^|\s)#.*", "", "\n".join(blocks()), flags=re.MULTILINE)
    assert len(COMMANDS) == len(re.findall(r"\bstilts (?=[a-z-])", code)) > 0


def test_lines_that_stand_as_they_are_print_what_readme_shows(workspace: Path):
    lines = [line for line in COMMANDS if line.words[0] == "run" and stands(line)]
    assert len(lines) >= 2, "README begins with one that everybody can run, and with its repetition"
    for line in lines:
        said = call(*line.words, "-w", workspace)
        require_done(said, line)
        for shown in line.printed:
            if shown.startswith(("✓ ", "keys ", "protocol ", "average over ")):
                assert shown in said.out.splitlines(), f"README shows that stilts {line} prints: {shown}"


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.words[0] == "run" and not stands(line)], ids=str)
def test_a_chain_of_readme_runs(line: Line, workspace: Path, model: Path):
    said = call(*small(line, model), "-w", workspace)
    require_done(said, line)
    assert "average" in said.out and "protocol smoke" in said.out


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.words[0] == "sweep"], ids=str)
def test_a_grid_of_readme_runs(line: Line, workspace: Path, model: Path):
    words = small(line, model)
    if large := LARGE.search(str(line)):
        compute = [word for word in line.words if word.startswith("compute")]
        others = [word for word in words if not (compute and word.startswith("compute"))]
        said = call(*(line.words if stands(line) else (*others, *compute)), "--dry-run", "-w", workspace)
        require_done(said, line)
        for shown in line.printed:
            if re.match(r"\d+ cells: |\S+ is shared by ", shown):
                assert shown in said.out.splitlines(), f"README shows that stilts {line} prints: {shown}"
        words = tuple("study=smoke" if word == large[0] else word for word in words)
    if not {*CLUSTERS} & {*line.words}:
        require_done(call(*words, *SHORT, "-w", workspace), line)


def test_lines_of_other_verbs_are_tested_elsewhere():
    for verb in {line.words[0] for line in COMMANDS} - {"run", "sweep"}:
        assert verb in ELSEWHERE, f"say here how a line of {verb} is run"
        assert verb in ELSEWHERE[verb].read_text(encoding="utf-8")
