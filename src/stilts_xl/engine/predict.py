"""Prediction: a set of sequences through a model, sorted by length under a token budget, in the order they came."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stilts_xl.data.batches import by_length
from stilts_xl.engine.device import memory_ran_out
from stilts_xl.kinds.base import Encoded, Kind
from stilts_xl.model.encoder import Inputs, TaskModel


def inputs_of(tokens: Sequence[NDArray[np.int32]], indices: NDArray[np.int64], device: torch.device) -> Inputs:
    """The chosen sequences as a micro-batch on a device."""
    chosen = [tokens[index] for index in indices.tolist()]
    ids = torch.from_numpy(np.concatenate(chosen)).long().to(device)
    return Inputs(ids, [len(sequence) for sequence in chosen])


def outputs(
    model: TaskModel,
    head: str,
    kind: Kind,
    encoded: Encoded,
    layout: str,
    budget: int,
    autocast: bool,
    advance: Callable[[int, int], None] = lambda sequences, tokens: None,
) -> list[NDArray[np.float32]]:
    """The head's output for each sequence, in order, without dropout.

    The batches depend on these sequences alone, never on what else is predicted in the same job. Where memory runs out
    the budget is halved, down to one sequence at a time. ``advance`` is told the sequences and tokens of each batch.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(encoded.tokens)
    pending = list(by_length(encoded.lengths.tolist(), layout, budget))
    with torch.inference_mode():
        while pending:
            indices = pending.pop(0)
            inputs = inputs_of(encoded.tokens, indices, device)
            try:
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                    logits = model(inputs, head)
            except RuntimeError as error:
                if len(indices) == 1 or not memory_ran_out(error):
                    raise
                pending[:0] = np.array_split(indices, 2)
                continue
            parts = kind.split(logits.float().cpu().numpy(), inputs.lengths)
            for index, part in zip(indices.tolist(), parts, strict=True):
                found[index] = part
            advance(len(indices), len(inputs.ids))
    model.train(was_training)
    return found
