"""A full disk, a file where a folder belongs, a name in three scripts: a message, nothing broken, and the same command goes on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from calling import TINY, Said, call
from sample_rows import ROWS, SAMPLE_ROOT
from small_disk import small_disk

# A process that has everything imported, and runs each command of its standard input in a child of its own, which may
# write files of so many bytes and no longer ones.
COMMANDS = """
import json, os, resource, sys, traceback
import transformers.models.xlm_roberta.modeling_xlm_roberta
import stilts_xl.cli.plan, stilts_xl.run.runner
from stilts_xl.cli.app import main

for line in sys.stdin:
    asked, code = json.loads(line), 0
    child = os.fork()
    if child == 0:
        if asked["limit"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["limit"], asked["limit"]))
        sys.argv = ["stilts", *asked["words"]]
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 99
        sys.stderr.flush()
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"status": status}), file=sys.stderr, flush=True)
"""
CHAIN = (
    "intermediate=squad", "target=tydiqa", "languages=[en]", *TINY, "compute.checkpoint_steps=2", "model.hidden_size=16",
    "model.layers=1", "model.intermediate_size=16", "intermediate.max_steps=3", "target.max_steps=4",
    "target.selection=best", "target.eval_every=1", "target.patience=0",
)  # fmt: skip
CHATTR = shutil.which("chattr")
OBSTACLES = (
    ("runs", False),
    ("runs/{run}", True),
    ("locks", False),
    ("locks/{squad}.lock", True),
    ("stages/{squad}", False),
    ("stages/{squad}/checkpoint-0000002", False),
    ("stages/{squad}/model.safetensors", True),
    ("stages/{squad}/config.json", True),
    ("stages/{squad}/tokenizer.json", True),
    ("stages/{squad}/record.json", True),
    ("stages/{tydiqa-en}/predictions.jsonl", True),
)
"""What a run writes, by its turn, and whether a folder, or a file, may stand in its place."""
ENOUGH = 4
"""Different kinds of files that the disk must have been too small for, for the test to mean anything."""


class Commands:
    """Commands, one after another, each in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def call(self, *words: str | Path, limit: int | None = None) -> Said:
        """``stilts WORDS``; no file that it writes may have more than ``limit`` bytes."""
        assert self.process.stdin is not None and self.process.stderr is not None
        self.process.stdin.write(json.dumps({"words": [str(word) for word in words], "limit": limit}) + "\n")
        self.process.stdin.flush()
        said = ""
        for line in self.process.stderr:
            if line.startswith('{"status"'):
                return Said(json.loads(line)["status"], "", said)
            said += line
        raise AssertionError(f"the process has ended: {said}")

    def run(self, workspace: Path, limit: int | None = None) -> Said:
        """The chain."""
        return self.call("run", *CHAIN, "-w", workspace, limit=limit)

    def require_refused(self, said: Said, workspace: Path) -> str:
        """Check that a run ended with a message about a file of the workspace, and broke nothing; the file's name there."""
        assert said.code == 1, said.err
        assert "Traceback" not in said.err
        told = said.err[said.err.index("error: ") :].splitlines()
        assert len(told) == 2 and told[1].endswith("; the same command goes on"), said.err
        path = Path(told[0].removeprefix("error: ").partition(" cannot be ")[0])
        verified = self.call("cache", "verify", "-w", workspace)
        assert verified.code == 0 or "holds no stages" in verified.err
        assert not list(workspace.glob("**/.*.????????")) + list(workspace.glob("**/.tmp*"))
        return str(path.relative_to(workspace))


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    with process:
        yield Commands(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def undisturbed(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("undisturbed") / "w"
    said = commands.run(workspace)
    assert said.code == 0, said.err
    return workspace


def results(workspace: Path) -> dict[str, bytes]:
    """Every file of every stage but the records, which hold times."""
    files = [path for path in workspace.glob("stages/**/*") if path.is_file() and path.name != "record.json"]
    return {str(path.relative_to(workspace)): path.read_bytes() for path in files}


def require_goes_on(commands: Commands, workspace: Path, undisturbed: Path) -> None:
    """Run the chain to its end, and compare what it left with that of a run that nothing disturbed."""
    said = commands.run(workspace)
    assert said.code == 0, said.err
    assert commands.call("cache", "verify", "-w", workspace).code == 0
    found, expected = results(workspace), results(undisturbed)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


@contextmanager
def in_place_of(path: Path, folder: bool) -> Iterator[None]:
    """A folder, or a file, where the other belongs; what is there keeps another name meanwhile."""
    aside = path.with_name(f"{path.name}.aside")
    if path.exists():
        path.rename(aside)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if folder else path.write_text("")
    yield
    path.rmdir() if folder else path.unlink()
    if aside.exists():
        aside.rename(path)


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """Nobody can change a folder, not root either; the test is skipped where that cannot be had."""
    if not CHATTR or subprocess.run([CHATTR, "+i", str(path)], capture_output=True).returncode:
        pytest.skip("a folder cannot be made immutable here (that takes root, Linux and its usual file systems)")
    try:
        yield
    finally:
        subprocess.run([CHATTR, "-i", str(path)], check=True)


def sort_of(name: str) -> str:
    """A file's name without what differs from stage to stage."""
    path = Path(name)
    if path.parts[0] != "stages":
        return path.parts[0]
    return "checkpoint" if "checkpoint" in name else "best" if path.name.startswith("best") else path.name


def test_a_limit_on_the_size_of_files_is_told_and_when_it_is_lifted_the_run_goes_on(
    commands: Commands, undisturbed: Path, tmp_path: Path
) -> None:
    named = []
    weights = next(undisturbed.glob("stages/squad-*/model.safetensors")).stat().st_size
    for limit in (0, 100, weights - 1, weights + 1):
        said = commands.run(tmp_path, limit=limit)
        assert "cannot be written: File too large\nmake room" in said.err
        named.append(commands.require_refused(said, tmp_path))
    assert sort_of(named[0]) == "runs"
    assert {Path(name).name for name in named} >= {"model.safetensors", "optimizer.safetensors"}
    require_goes_on(commands, tmp_path, undisturbed)


def test_a_full_disk_is_told_wherever_it_strikes_and_with_more_room_the_run_goes_on(
    commands: Commands, undisturbed: Path, tmp_path: Path
) -> None:
    named = []
    with small_disk(tmp_path / "disk", pages=1000) as disk:
        workspace = disk.path / "w"
        for pages in (0, 2, 3, 4, 60, 100, 136, 140, 160, 190):
            disk.fill(leave=pages)
            said = commands.run(workspace)
            if said.code == 0:
                break
            assert "cannot be written: No space left on device\nmake room" in said.err
            named.append(commands.require_refused(said, workspace))
        disk.empty()
        require_goes_on(commands, workspace, undisturbed)
    print("the disk was too small for", named)
    assert len({sort_of(name) for name in named}) >= ENOUGH


def test_what_stands_where_a_run_must_write_is_named_and_without_it_the_run_goes_on(
    commands: Commands, undisturbed: Path, tmp_path: Path
) -> None:
    names = {path.name.rpartition("-")[0]: path.name for path in undisturbed.glob("stages/*")}
    (run,) = (path.name for path in undisturbed.glob("runs/*"))
    for place, folder in OBSTACLES:
        path = tmp_path / place.format(run=run, **names)
        with in_place_of(path, folder):
            said = commands.run(tmp_path)
        assert f"error: {path}" in said.err
        assert f"a {'folder' if folder else 'file'} stands where a {'file' if folder else 'folder'} belongs" in said.err
        commands.require_refused(said, tmp_path)
    require_goes_on(commands, tmp_path, undisturbed)


def test_a_stage_that_nobody_may_change_is_named_and_when_one_may_the_run_goes_on(
    commands: Commands, undisturbed: Path, tmp_path: Path
) -> None:
    (name,) = (path.name for path in undisturbed.glob("stages/squad-*"))
    folder = tmp_path / "stages" / name
    folder.mkdir(parents=True)
    with immutable(folder):
        said = commands.run(tmp_path)
    assert "cannot be used: Operation not permitted\ngive yourself the right to it" in said.err
    assert commands.require_refused(said, tmp_path).startswith(f"stages/{name}/")
    require_goes_on(commands, tmp_path, undisturbed)


def test_a_finished_workspace_that_is_read_only_can_be_looked_at(
    commands: Commands, undisturbed: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", pages=1000) as disk:
        shutil.copytree(undisturbed, disk.path / "w")
        with disk.read_only():
            for words in (("cache", "ls"), ("cache", "verify"), ("report",), ("plan", *CHAIN)):
                said = commands.call(*words, "-w", disk.path / "w")
                assert said.code == 0, said.err
            said = commands.run(disk.path / "w")
            assert said.code == 2
            assert "cannot be written: Read-only file system" in said.err


def test_a_workspace_and_its_data_may_have_names_with_spaces_and_in_other_scripts(tmp_path: Path) -> None:
    workspace, root = tmp_path / "mes résultats" / "β 实验", tmp_path / "données (v1.1), copie" / "資料"
    shutil.copytree(SAMPLE_ROOT, root)
    chain = [word for word in CHAIN if word not in ROWS] + ["data=local", f"data.root={root}"]
    said = call("run", *chain, "-w", workspace)
    assert said.code == 0, said.err
    assert "✓ 2 trained, 1 predicted" in said.out
    assert {path.name for path in tmp_path.iterdir()} == {"mes résultats", "données (v1.1), copie"}
    assert "3 of 3 stages verified" in call("cache", "verify", "-w", workspace).out
    assert "nothing to do" in call("run", *chain, "-w", workspace).out
    for words in (("report",), ("plan", *chain)):
        said = call(*words, "-w", workspace)
        assert said.code == 0, said.err
        assert "tydiqa" in said.out
