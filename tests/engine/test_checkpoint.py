"""A training that was stopped goes on as if nothing had happened: the same losses and the same weights, to the bit."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from test_memory import SmallMemory
from toy_training import Run, equal, training

from stilts_xl.core.errors import Interrupted
from stilts_xl.engine.checkpoint import remove_checkpoints
from stilts_xl.engine.loop import train
from stilts_xl.engine.training import Training

DROPOUT = {"dropout": 0.1}


def norm(model) -> float:
    """A validation score that is a function of the weights, up and down over the steps."""
    weight = model.heads["toy"].out_proj.weight.detach()
    return float((weight * torch.linspace(-1e6, 1e6, weight.numel()).reshape(weight.shape)).sum() % 97)


BEST = {"validate": norm, "selection": "best", "eval_every": 2}


def interrupted(given: Training, after: int) -> None:
    with pytest.raises(Interrupted, match=f"stopped after step {after} of 12"):
        Run(given, stop_after=after - resumed_at(given.folder))


def resumed_at(folder: Path) -> int:
    """The step of the checkpoint in a folder."""
    return max((int(path.name.split("-")[1]) for path in folder.glob("checkpoint-???????")), default=0)


@pytest.fixture(scope="module", params=[{}, BEST, BEST | {"patience": 3}], ids=["last", "best", "patience"])
def rule(request) -> dict[str, Any]:
    return request.param


@pytest.fixture(scope="module")
def undisturbed(rule, tmp_path_factory) -> Run:
    return Run(training(tmp_path_factory.mktemp("undisturbed"), **DROPOUT, **rule))


@pytest.mark.parametrize("stops", [(1,), (4,), (5,), (2, 3, 6)])
def test_an_interrupted_training_ends_with_the_same_bits(stops, rule, undisturbed, tmp_path) -> None:
    done = 0
    for step in stops:
        if step < undisturbed.outcome.steps:
            interrupted(training(tmp_path, **DROPOUT, **rule), step)
            done = step
            assert resumed_at(tmp_path) == step
    found = Run(training(tmp_path, **DROPOUT, **rule))
    assert f"resuming at step {done}" in found.messages
    assert found.losses == undisturbed.losses[done:]
    assert found.rates == undisturbed.rates[done:]
    assert equal(found.weights, undisturbed.weights)
    for same in ("steps", "kept_step", "kept_score", "tokens", "loss"):
        assert getattr(found.outcome, same) == getattr(undisturbed.outcome, same)


@pytest.mark.parametrize("every", [1, 5])
def test_checkpoints_change_nothing(every, rule, undisturbed, tmp_path) -> None:
    found = Run(training(tmp_path, **DROPOUT, **rule, computed={"checkpoint_steps": every}))
    assert found.losses == undisturbed.losses
    assert equal(found.weights, undisturbed.weights)


class Died(Exception):
    """Something that ends a training at once, with nothing saved."""


def died(given: Training, at: int) -> None:
    """A training that ends in the middle of a step."""
    calls: list[int] = []

    def stopping() -> bool:
        calls.append(1)
        if len(calls) == at:
            raise Died
        return False

    with pytest.raises(Died):
        train(given, lambda event: None, stopping)


@pytest.mark.parametrize("at", [1, 4, 7, 12])
def test_a_training_that_died_between_checkpoints_ends_with_the_same_bits(at, rule, undisturbed, tmp_path) -> None:
    if at > undisturbed.outcome.steps:
        pytest.skip("it is over before")
    computed = {"checkpoint_steps": 3}
    died(training(tmp_path, **DROPOUT, **rule, computed=computed), at)
    assert resumed_at(tmp_path) == (at - 1) // 3 * 3
    found = Run(training(tmp_path, **DROPOUT, **rule, computed=computed))
    assert equal(found.weights, undisturbed.weights)


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_checkpoint_that_cannot_be_read_is_passed_over(file, rule, undisturbed, tmp_path) -> None:
    interrupted(training(tmp_path, **DROPOUT, **rule), 3)
    kept = tmp_path / "checkpoint-0000003"
    shutil.copytree(kept, tmp_path / "checkpoint-0000004")
    broken = tmp_path / "checkpoint-0000004" / file
    broken.write_bytes(broken.read_bytes()[:20])
    found = Run(training(tmp_path, **DROPOUT, **rule))
    assert "resuming at step 3" in found.messages
    assert equal(found.weights, undisturbed.weights)


def test_a_checkpoint_half_written_is_no_checkpoint(rule, undisturbed, tmp_path) -> None:
    interrupted(training(tmp_path, **DROPOUT, **rule), 3)
    shutil.copytree(tmp_path / "checkpoint-0000003", tmp_path / "checkpoint-0000005.building")
    found = Run(training(tmp_path, **DROPOUT, **rule, computed={"checkpoint_steps": 5}))
    assert "resuming at step 3" in found.messages
    assert equal(found.weights, undisturbed.weights)


def test_a_training_whose_best_weights_are_gone_begins_anew(tmp_path) -> None:
    undisturbed = Run(training(tmp_path / "a", **DROPOUT, **BEST))
    interrupted(training(tmp_path / "b", **DROPOUT, **BEST), 5)
    for path in (tmp_path / "b").glob("best-*"):
        path.unlink()
    found = Run(training(tmp_path / "b", **DROPOUT, **BEST))
    assert len(found.losses) == 12
    assert equal(found.weights, undisturbed.weights)


def test_a_halved_budget_is_remembered_and_one_set_anew_is_obeyed(tmp_path) -> None:
    def given(budget: int) -> Training:
        return training(tmp_path, head=SmallMemory(room=64), computed={"token_budget": budget, "checkpoint_steps": 1})

    interrupted(given(256), 3)
    interrupted(given(256), 5)
    assert Run(given(40)).outcome.token_budget == 40


def test_a_finished_training_needs_its_checkpoints_no_more(tmp_path) -> None:
    interrupted(training(tmp_path, **DROPOUT, **BEST), 5)
    (tmp_path / "model.safetensors").touch()
    remove_checkpoints(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
