"""Prediction: a set of sequences through a model, sorted by length under a token budget, in the order they came."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from stilts_xl.data.batches import by_length
from stilts_xl.engine.device import memory_ran_out
from stilts_xl.kinds.base import Encoded, inputs_of, subset
from stilts_xl.model.encoder import TaskModel
from stilts_xl.model.heads import Head

Reduce = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(the head's output, targets) -> the rows that are kept."""


def outputs(
    model: TaskModel,
    head: str,
    reduce: Reduce,
    encoded: Encoded,
    layout: str,
    budget: int,
    autocast: bool,
    advance: Callable[[int, int], None] = lambda sequences, tokens: None,
) -> list[NDArray[np.float32]]:
    """What ``reduce`` keeps of the head's output for each sequence, in order, without dropout.

    The batches depend on these sequences alone, never on what else is predicted in the same job. Where memory runs out
    the budget is halved, down to one sequence at a time. ``advance`` is told the sequences and tokens of each batch.
    """
    device = next(model.parameters()).device
    chosen = model.heads[head]
    assert isinstance(chosen, Head)
    was_training = model.training
    model.eval()
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(encoded.tokens)
    pending = list(by_length(encoded.costs(layout).tolist(), layout, budget))
    with torch.inference_mode():
        while pending:
            indices = pending.pop(0)
            inputs, targets = inputs_of(subset(encoded, indices), device)
            try:
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                    kept = reduce(model(inputs, head), targets)
            except RuntimeError as error:
                if len(indices) == 1 or not memory_ran_out(error):
                    raise
                pending[:0] = np.array_split(indices, 2)
                continue
            sizes = inputs.rows(chosen.per_token)
            parts = np.split(kept.float().cpu().numpy(), np.cumsum(sizes)[:-1].tolist())
            for index, part in zip(indices.tolist(), parts, strict=True):
                found[index] = part
            advance(len(indices), len(inputs.ids))
    model.train(was_training)
    return found
