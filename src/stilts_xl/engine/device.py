"""The device of this process: accelerator, layout, token budget, and the seed of a step."""

import hashlib
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from accelerate.utils.memory import should_reduce_batch_size

from stilts_xl.core.errors import Mistake
from stilts_xl.core.recipe import Compute, Recipe


def accelerator_for(compute: Compute, recipe: Recipe, tracker: str, tracking: Path) -> Accelerator:
    """Device, precision and tracker; bf16 only on CUDA. Raises Mistake where the device or the tracker is not there."""
    require_tracker(tracker)
    if compute.threads:
        torch.set_num_threads(compute.threads)
    device = torch_device(compute)
    AcceleratorState._reset_state()  # a process may train several stages, each with its own precision
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="bf16" if autocasts(recipe.precision, device) else "no",
        log_with=None if tracker == "none" else tracker,
        project_dir=tracking,
    )


def require_tracker(tracker: str) -> None:
    """Raise Mistake where a tracker's package is not installed; accelerate would warn and go on without it."""
    if tracker != "none" and tracker not in {str(found) for found in get_available_trackers()}:
        raise Mistake(
            f"tracker={tracker}: {tracker} is not installed\npip install 'stilts-xl[{tracker}]', or tracker=none"
        )


def torch_device(compute: Compute) -> torch.device:
    """The device asked for; auto is CUDA where torch sees it."""
    seen = torch.cuda.is_available()
    if compute.device == "cuda" and not seen:
        raise Mistake(
            "compute.device=cuda, but torch sees no CUDA device\nstilts doctor shows what it sees; compute.device=cpu works"
        )
    return torch.device("cuda" if seen and compute.device != "cpu" else "cpu")


def autocasts(precision: str, device: torch.device) -> bool:
    """Whether forward passes run in bf16."""
    return precision == "bf16" and device.type == "cuda"


def train_budget(compute: Compute, device: torch.device) -> int:
    """Tokens of one forward and backward pass."""
    return compute.token_budget or (8192 if device.type == "cuda" else 4096)


def predict_budget(compute: Compute, device: torch.device) -> int:
    """Tokens of one forward pass."""
    return compute.eval_token_budget or (32768 if device.type == "cuda" else 4096)


def layout_for(compute: Compute, device: torch.device) -> str:
    """The layout; auto is packed on a CPU, where it is measured to be fastest, and bucketed elsewhere."""
    if compute.layout != "auto":
        return compute.layout
    return "packed" if device.type == "cpu" else "bucketed"


def memory_ran_out(error: RuntimeError) -> bool:
    """Whether an error means that a smaller batch might fit, on a GPU or a CPU."""
    return isinstance(error, torch.OutOfMemoryError) or should_reduce_batch_size(error)


def seed_step(seed: int, step: int, process: int) -> None:
    """Make dropout a function of seed, step and process, so that a resumed step draws what it would have drawn."""
    digest = hashlib.sha256(f"{seed}/{step}/{process}".encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:7], "big"))
