"""stilts cache prune: weights that nothing waits for are freed, and made again, to the bit, when something does."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from calling import TINY, Said, call
from stilts_xl.store.lock import claim

CHAIN = ("intermediate=squad", "target=tydiqa", "target.max_steps=2", "intermediate.max_steps=2", *TINY)


def run(workspace: Path, language: str = "en") -> Said:
    said = call("run", *CHAIN, f"languages={language}", "-w", workspace)
    assert said.code == 0, said.err
    return said


def weights(workspace: Path) -> dict[str, str]:
    """Stage -> digest of its weights."""
    found = sorted(workspace.glob("stages/*/model.safetensors"))
    return {path.parent.name: sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prune")
    run(folder)
    return folder


@pytest.fixture
def workspace(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "w")
    return tmp_path / "w"


def test_what_is_complete_above_needs_no_weights_below(workspace) -> None:
    sizes = sum(path.stat().st_size for path in workspace.glob("stages/*/model.safetensors"))
    said = call("cache", "prune", "-w", workspace)
    assert said.code == 0
    assert said.out.splitlines()[-1] == f"{sizes / 1e6:,.1f} MB freed"
    assert weights(workspace) == {}
    assert "nothing to do" in run(workspace).out
    assert call("cache", "verify", "-w", workspace).code == 0
    assert call("cache", "ls", "-w", workspace).out.count("  pruned") == 2
    assert call("cache", "prune", "-w", workspace).out == "0.0 kB freed\n"


def test_a_dry_run_frees_nothing(workspace) -> None:
    before = weights(workspace)
    assert "would be freed" in call("cache", "prune", "--dry-run", "-w", workspace).out
    assert weights(workspace) == before


def test_a_new_need_makes_the_same_bytes_again(workspace) -> None:
    before = weights(workspace)
    call("cache", "prune", "-w", workspace)
    assert "✓ 2 trained, 1 predicted" in run(workspace, "fi").out
    assert weights(workspace) == before
    assert "  pruned" not in call("cache", "ls", "-w", workspace).out


def test_what_something_asked_for_is_waiting_for_is_kept(workspace) -> None:
    (target,) = (name for name in weights(workspace) if name.startswith("tydiqa"))
    shutil.rmtree(next(workspace.glob("stages/tydiqa-en-*")))
    call("cache", "prune", "-w", workspace)
    assert list(weights(workspace)) == [target]


def test_a_stage_that_somebody_holds_is_left_alone(workspace) -> None:
    (target,) = (name for name in weights(workspace) if name.startswith("tydiqa"))
    held = claim(workspace / "locks" / f"{target}.lock", "another process")
    try:
        said = call("cache", "prune", "-w", workspace)
    finally:
        held.release()
    assert "in use, left alone" in said.out
    assert list(weights(workspace)) == [target]


def test_an_empty_workspace_is_a_mistake(tmp_path) -> None:
    said = call("cache", "prune", "-w", tmp_path)
    assert said.code == 2 and "holds no stages" in said.err


def test_checkpoints_that_a_kill_left_beside_finished_weights_go(workspace) -> None:
    folder = next(workspace.glob("stages/squad-*"))
    (folder / "checkpoint-0000001").mkdir()
    (folder / "checkpoint-0000001" / "model.safetensors").write_bytes(bytes(2_000_000))
    assert "would be freed" in call("cache", "prune", "--dry-run", "-w", workspace).out
    assert (folder / "checkpoint-0000001").exists()
    said = call("cache", "prune", "-w", workspace)
    assert "2.0 MB of checkpoints and half-written files that killed processes left" in said.out
    assert not (folder / "checkpoint-0000001").exists()
