"""What killed processes leave half written does not stay, and what a living one is writing does."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calling import TINY, call
from stilts_xl.store.lock import claim
from stilts_xl.store.prune import clear_leftovers, clear_workspace

# Both writers are killed by the kernel in the middle of a file.
WRITERS = {
    "text": "from stilts_xl.store.files import write_atomically as write; content = 'x' * 5000",
    "weights": "import numpy; from safetensors.numpy import save_file\n"
    "content, write = {'a': numpy.zeros(5000)}, lambda path, content: save_file(content, path)",
}
KILLED = """
import resource, signal, sys
from pathlib import Path
{writer}
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write(Path(sys.argv[1]), content)
"""


def killed_while_writing(path: Path, writer: str) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED.format(writer=WRITERS[writer]), str(path)])
    assert run.returncode < 0
    assert not path.exists()


def stage_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("leftovers")
    said = call(
        "run", "intermediate=none", "target=tydiqa", "languages=[en]", "target.max_steps=1", *TINY, "-w", workspace
    )
    assert said.code == 0, said.err
    return workspace


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture
def trained(workspace: Path) -> Path:
    (weights,) = workspace.glob("stages/*/model.safetensors")
    return weights.parent


@pytest.mark.parametrize("writer", WRITERS)
def test_the_half_written_file_of_a_killed_writer_is_cleared(tmp_path: Path, writer: str):
    killed_while_writing(tmp_path / "model.safetensors", writer)
    (left,) = tmp_path.iterdir()
    size = left.stat().st_size
    assert clear_leftovers(tmp_path) == size
    assert stage_files(tmp_path) == []


def test_nothing_else_of_a_stage_is_cleared(trained: Path):
    for name in ("checkpoint-0000002", "checkpoint-0000004.building"):
        (trained / name).mkdir()
        (trained / name / "model.safetensors").write_bytes(b"1234567")
    for name in ("best-0000002.safetensors", ".gitignore", "my notes.txt"):
        (trained / name).write_text("kept")
    before = stage_files(trained)
    assert clear_leftovers(trained) == 7
    assert stage_files(trained) == [name for name in before if not name.endswith(".building")]
    assert clear_leftovers(trained.with_name("a stage that nobody has begun")) == 0


def test_a_whole_workspace_is_cleared_of_what_killed_runs_left_and_works_as_before(workspace: Path, trained: Path):
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    for folder in workspace.glob("stages/*"):
        killed_while_writing(folder / "other.json", "text")
    (trained / "checkpoint-0000001").mkdir()  # of a run that was killed between its record and the end
    (trained / "checkpoint-0000001" / "optimizer.safetensors").write_bytes(b"1234")
    assert clear_workspace(workspace) == 4 + 2 * 1000
    assert {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()} == before
    assert clear_workspace(workspace) == 0


def test_what_a_training_that_is_not_complete_goes_on_from_is_kept(workspace: Path, trained: Path):
    (trained / "record.json").unlink()
    (trained / "checkpoint-0000001").mkdir()
    assert clear_workspace(workspace) == 0
    assert (trained / "checkpoint-0000001").is_dir()


def test_a_stage_that_somebody_holds_is_left_alone(workspace: Path, trained: Path):
    killed_while_writing(trained / "record.json.new", "text")
    before = stage_files(trained)
    held = claim(workspace / "locks" / f"{trained.name}.lock", "its maker")
    assert held is not None
    with held:
        assert clear_workspace(workspace) == 0
        assert stage_files(trained) == before
    assert clear_workspace(workspace) == 1000


@pytest.mark.parametrize("folder", ["runs", "calls", "cache"])
def test_a_file_that_everyone_may_write_is_a_leftover_after_a_day(workspace: Path, folder: str):
    (workspace / folder).mkdir(exist_ok=True)
    before = stage_files(workspace / folder)
    for name, age in (("fresh.json", 60), ("old.json", 90_000)):
        killed_while_writing(workspace / folder / name, "text")
        (left,) = (workspace / folder).glob(f".{name}.*")
        os.utime(left, (time.time() - age, time.time() - age))
    assert clear_workspace(workspace) == 1000
    left_over = [name for name in stage_files(workspace / folder) if name not in before]
    assert len(left_over) == 1 and left_over[0].startswith(".fresh.json.")
