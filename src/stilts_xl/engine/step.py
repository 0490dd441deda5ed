"""One step's gradients: the mean loss of a global batch, in micro-batches that fit into memory."""

from contextlib import nullcontext

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from stilts_xl.core.errors import StiltsError
from stilts_xl.core.event import Event, Reporter
from stilts_xl.data.batches import micro_batches, share
from stilts_xl.engine.device import layout_for, memory_ran_out, seed_step
from stilts_xl.engine.training import Training
from stilts_xl.kinds.base import Encoded, inputs_of, subset


def gradients(
    training: Training,
    accelerator: Accelerator,
    model: torch.nn.Module,
    step: int,
    name: str,
    indices: NDArray[np.int64],
    budget: int,
    report: Reporter,
) -> tuple[torch.Tensor, int]:
    """Accumulate the gradients of a global batch; (this process's part of the mean loss, the token budget that fitted).

    Where memory runs out the budget is halved, never the batch: gradients are cleared, the step's seed is set again,
    and the batch is begun anew.
    """
    lesson = training.lessons[name]
    batch = lesson.kind.draw(lesson.encoded, indices, training.recipe, step)
    while True:
        seed_step(training.recipe.seed, step, accelerator.process_index)
        try:
            return _attempt(training, accelerator, model, name, batch, budget), budget
        except RuntimeError as error:
            if not memory_ran_out(error):
                raise
            longest = int(batch.costs(layout_for(training.compute, accelerator.device)).max())
            if budget <= longest or accelerator.num_processes > 1:
                smaller = f"compute.token_budget={max(budget // 2, longest)}, or " if budget > longest else ""
                raise StiltsError(
                    f"{training.slug}: out of memory at step {step} with {budget} tokens at once (longest sequence {longest})\n"
                    f"try {smaller}a shorter max_length"
                ) from None
        model.zero_grad(set_to_none=True)
        budget = max(budget // 2, longest)
        message = f"out of memory: compute.token_budget is now {budget}; the batch of {len(indices)} stays"
        report(Event(training.slug, "train", step, training.plan.total, message=message))


def _attempt(
    training: Training, accelerator: Accelerator, model: torch.nn.Module, name: str, batch: Encoded, budget: int
) -> torch.Tensor:
    kind = training.lessons[name].kind
    everything = np.arange(len(batch.tokens))
    mine = share(everything, batch.lengths, accelerator.process_index, accelerator.num_processes)
    items = sum(len(targets) for targets in batch.targets)
    weight = 1.0 / items if len(mine) and items else 0.0
    if not len(mine):  # a process without a share still takes part in the exchange, with nothing
        mine = everything[:1]
    layout = layout_for(training.compute, accelerator.device)
    parts = micro_batches(mine, batch.costs(layout), layout, budget)
    total = torch.zeros((), device=accelerator.device)
    for number, part in enumerate(parts, 1):
        with nullcontext() if number == len(parts) else accelerator.no_sync(model):
            inputs, targets = inputs_of(subset(batch, part), accelerator.device)
            with accelerator.autocast():
                logits = model(inputs, name)
            loss = kind.loss(logits, inputs, targets) * weight
            accelerator.backward(loss * accelerator.num_processes)  # the exchange takes the mean over processes
            total += loss.detach()
    return total
