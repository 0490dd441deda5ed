"""The training loop: one flat pass over the steps of a plan, resumable at any of them, through accelerate."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import broadcast_object_list
from numpy.typing import NDArray
from safetensors.torch import load_file

from stilts_xl.core.errors import Interrupted, StiltsError
from stilts_xl.core.event import Event, Reporter
from stilts_xl.engine.checkpoint import State, best_file, load_checkpoint, save_checkpoint
from stilts_xl.engine.device import accelerator_for, train_budget
from stilts_xl.engine.optimizer import adamw, learning_rate
from stilts_xl.engine.step import gradients
from stilts_xl.engine.training import Outcome, Training
from stilts_xl.model.encoder import load_weights, weights, write_tensors


def train(training: Training, report: Reporter, stopping: Callable[[], bool]) -> Outcome:
    """Run the plan's steps from the last checkpoint on; afterwards the model holds the selected weights.

    The loss, the gradients and the update of a step are those of its whole global batch, however it is laid out, split
    and spread. Raises StiltsError where a loss is not finite, and Interrupted, after a checkpoint, where ``stopping``.
    """
    recipe, total = training.recipe, training.plan.total
    accelerator = accelerator_for(training.compute, recipe, training.tracker, training.tracking)
    accelerator.init_trackers(training.slug)
    model, optimizer = accelerator.prepare(training.model, adamw(training.model, recipe))
    state = _resumed(training, accelerator, optimizer, report)
    earlier, began, loss = state.seconds, time.monotonic(), None

    model.train()
    while state.step < total and not (recipe.patience and state.stale >= recipe.patience):
        name, indices = training.plan.at(state.step)
        rate = learning_rate(state.step, total, recipe)
        part, budget = gradients(training, accelerator, model, state.step, name, indices, state.token_budget, report)
        loss, stop = _agree(accelerator, part, stopping())
        if not math.isfinite(loss):
            raise _diverged(training, state.step, name, indices, rate, loss)
        if recipe.max_grad_norm:
            accelerator.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        tokens = state.tokens + int(training.lessons[name].encoded.lengths[indices].sum())
        seconds = earlier + time.monotonic() - began
        state = replace(state, step=state.step + 1, token_budget=budget, tokens=tokens, seconds=seconds)
        last = state.step == total
        report(Event(training.slug, "train", state.step, total, loss, rate, tokens / seconds))
        accelerator.log({"loss": loss, "learning_rate": rate, "tokens": tokens}, step=state.step)

        # once in a while, and at the end: is this the best step so far?
        if training.validate is not None and (last or state.step % recipe.eval_every == 0):
            state = _validated(training, accelerator, state, report)

        # once in a while, and when asked to stop: leave something to go on from
        if not last and (stop or state.step % training.compute.checkpoint_steps == 0):
            _keep(training, accelerator, optimizer, state)
            if stop:
                raise Interrupted(f"{training.slug} stopped after step {state.step} of {total}")
    for tracker in accelerator.trackers:
        tracker.finish()  # not end_training: a process group that is taken down here may wait for its own thread for ever
    return _outcome(training, accelerator, state, loss)


def _resumed(training: Training, accelerator: Accelerator, optimizer: AcceleratedOptimizer, report: Reporter) -> State:
    """Where to begin: the last checkpoint, or step 0. A token budget that was set anew since replaces the kept one."""
    asked = train_budget(training.compute, accelerator.device)
    state = load_checkpoint(training.folder, training.model, optimizer.optimizer)
    if state is None:
        return State(0, asked, asked, 0, 0.0, None, 0, 0)
    message = f"resuming at step {state.step}"
    report(Event(training.slug, "train", state.step, training.plan.total, message=message))
    return state if state.asked_budget == asked else replace(state, asked_budget=asked, token_budget=asked)


def _keep(training: Training, accelerator: Accelerator, optimizer: AcceleratedOptimizer, state: State) -> None:
    if accelerator.is_main_process:
        save_checkpoint(training.folder, training.model, optimizer.optimizer, state)
    accelerator.wait_for_everyone()


def _outcome(training: Training, accelerator: Accelerator, state: State, loss: float | None) -> Outcome:
    """What was done; the model gets the selected weights."""
    kept = state.step
    if training.validate is not None:
        kept = state.best_step
        load_weights(training.model, load_file(best_file(training.folder, kept)))
    device, precision = accelerator.device.type, accelerator.mixed_precision
    return Outcome(
        state.step,
        training.plan.total,
        kept,
        state.best_score,
        loss,
        state.tokens,
        state.seconds,
        state.token_budget,
        device,
        precision,
    )


def _agree(accelerator: Accelerator, part: torch.Tensor, stop: bool) -> tuple[float, bool]:
    """The loss of the whole batch, and whether any process was asked to stop."""
    if accelerator.num_processes == 1:
        return float(part), stop
    both = torch.stack([part, torch.full_like(part, float(stop))])
    summed = accelerator.reduce(both, "sum")
    return float(summed[0]), bool(summed[1] > 0)


def _validated(training: Training, accelerator: Accelerator, state: State, report: Reporter) -> State:
    """The state after a validation by the main process; the best weights so far are kept beside the checkpoints."""
    assert training.validate is not None

    def better_than_before(score: float) -> bool:
        return state.best_score is None or (score - state.best_score) * (1 if training.higher else -1) > 0

    found = [0.0]
    if accelerator.is_main_process:
        found = [training.validate(training.model)]
        if better_than_before(found[0]):
            write_tensors(weights(training.model), _ready(best_file(training.folder, state.step)))
    score = float(broadcast_object_list(found)[0])
    accelerator.log({"validation": score}, step=state.step)
    better = better_than_before(score)
    message = f"validation {score:.2f} at step {state.step}{', the best so far' if better else ''}"
    report(Event(training.slug, "validate", state.step, training.plan.total, message=message))
    if better:
        return replace(state, best_score=score, best_step=state.step, stale=0)
    return replace(state, stale=state.stale + 1)


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _diverged(
    training: Training, step: int, name: str, indices: NDArray[np.int64], rate: float, loss: float
) -> StiltsError:
    lesson = training.lessons[name]
    ids = list(dict.fromkeys(lesson.ids[owner] for owner in lesson.encoded.owner[indices].tolist()))
    shown = ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
    return StiltsError(
        f"{training.slug}: the loss is {loss} at step {step} of {training.plan.total}, learning rate {rate:.3g}\n"
        f"examples of the batch: {shown}\n"
        "a lower learning_rate or more warm-up usually helps; the last checkpoint is kept"
    )
