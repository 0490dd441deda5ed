"""Resumable checkpoints inside a stage: weights, optimiser state and the loop's counters, complete or not there."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from stilts_xl.core.errors import naming
from stilts_xl.model.encoder import TaskModel, load_weights, weights, write_tensors

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW remembers of a parameter."""


@dataclass(frozen=True)
class State:
    """Where a training stands after ``step`` updates."""

    step: int
    asked_budget: int
    """The token budget that was set when it began or went on."""
    token_budget: int
    """What is left of it: halved when memory ran out."""
    tokens: int
    """Sub-tokens learned from so far."""
    seconds: float
    """Time spent in earlier runs of this stage."""
    best_score: float | None
    best_step: int
    stale: int
    """Validations since the best one."""


def save_checkpoint(folder: Path, model: TaskModel, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write ``checkpoint-<step>`` by rename, then remove older ones and best weights that are no longer the best."""
    final = folder / f"checkpoint-{state.step:07d}"
    building = folder / f"{final.name}.building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    write_tensors(weights(model), building / "model.safetensors")
    write_tensors(_optimizer_tensors(model, optimizer), building / "optimizer.safetensors")
    with naming(building / "state.json"):
        (building / "state.json").write_text(json.dumps(asdict(state)), encoding="utf-8")
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    for other in folder.glob("checkpoint-*"):
        if other != final:
            shutil.rmtree(other)
    for other in folder.glob("best-*.safetensors"):
        if other != best_file(folder, state.best_step):
            other.unlink()


def load_checkpoint(folder: Path, model: TaskModel, optimizer: torch.optim.Optimizer) -> State | None:
    """Put the newest readable checkpoint into the model and the optimiser; None where there is none."""
    for found in sorted(folder.glob("checkpoint-???????"), reverse=True):
        try:
            state = State(**json.loads((found / "state.json").read_text(encoding="utf-8")))
            learned, moments = load_file(found / "model.safetensors"), load_file(found / "optimizer.safetensors")
        except (OSError, ValueError, TypeError, SafetensorError):
            continue
        if state.best_score is not None and not best_file(folder, state.best_step).is_file():
            continue
        load_weights(model, learned)
        _load_optimizer(model, optimizer, moments)
        return state
    return None


def best_file(folder: Path, step: int) -> Path:
    """Where the weights of a validation that was the best so far are kept."""
    return folder / f"best-{step:07d}.safetensors"


def remove_checkpoints(folder: Path) -> None:
    """Delete everything that only a resumed training needs."""
    for other in folder.glob("checkpoint-*"):
        shutil.rmtree(other)
    for other in folder.glob("best-*.safetensors"):
        other.unlink()


def _optimizer_tensors(model: TaskModel, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        f"{names[id(parameter)]}.{moment}": value.detach().cpu().contiguous()
        for parameter, state in optimizer.state.items()
        for moment, value in state.items()
    }


def _load_optimizer(model: TaskModel, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    for name, parameter in model.named_parameters():
        moments = {moment: tensors[f"{name}.{moment}"] for moment in MOMENTS if f"{name}.{moment}" in tensors}
        if moments:
            device = parameter.device
            optimizer.state[parameter] = {moment: value.clone().to(device) for moment, value in moments.items()}
