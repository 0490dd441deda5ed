"""Prediction rows: what predictions.jsonl holds, enough to score and to compare systems later without the model."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.example import Example
from stilts_xl.core.recipe import Recipe
from stilts_xl.core.task import Task
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.metrics.scores import item_counts


def prediction_rows(
    task: Task,
    labels: tuple[str, ...],
    language: str,
    examples: Sequence[Example],
    encoded: Encoded,
    outputs: Sequence[NDArray[np.float32]],
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
) -> list[dict[str, Any]]:
    """One row an example: id, cluster, prediction, score, gold, and the counts that the item adds to each metric.

    ``labels`` are those of the head, which another task may have trained.
    """
    kind = KINDS[task.kind]
    decoded = kind.decode(examples, encoded, outputs, tokenizer, labels, recipe)
    rows = []
    for example, found in zip(examples, decoded, strict=True):
        gold = kind.gold(example)
        row = {
            "id": example.id,
            "cluster": example.cluster,
            "prediction": found.prediction,
            "score": found.score,
            "gold": gold,
        }
        row |= found.extras
        rows.append(row | {"counts": item_counts(task.scorer, row, language)})
    return rows
