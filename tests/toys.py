"""Small values that many tests start from: recipes, places to compute, stages, chains over a few rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sample_rows import ROWS
from stilts_xl.config.build import build_request
from stilts_xl.config.compose import compose_run
from stilts_xl.core.recipe import Compute, Recipe
from stilts_xl.core.stage import Data, Scratch, Train
from stilts_xl.model.heads import TokenHead
from stilts_xl.model.inputs import Inputs
from stilts_xl.run.resolve import Chain, resolve

RECIPE = Recipe(
    learning_rate=1e-3,
    epochs=1.0,
    batch_size=8,
    max_length=64,
    max_steps=0,
    warmup_fraction=0.1,
    warmup_steps=0,
    schedule="linear",
    weight_decay=0.01,
    adam_beta1=0.9,
    adam_beta2=0.999,
    adam_epsilon=1e-8,
    max_grad_norm=1.0,
    precision="fp32",
    selection="last",
    eval_every=10,
    eval_examples=0,
    patience=0,
    stride=16,
    max_query_length=16,
    max_answer_length=30,
    n_best=20,
    seed=1,
)
COMPUTE = Compute(
    device="cpu",
    layout="packed",
    token_budget=1024,
    eval_token_budget=1024,
    processes=1,
    threads=1,
    checkpoint_steps=1000,
)
SCRATCH = Scratch(
    hidden_size=32,
    layers=2,
    heads=2,
    intermediate_size=64,
    max_positions=514,
    dropout=0.0,
    seed=7,
    tokenizer="sha256:" + "0" * 64,
)
NO_DATA = ("model=scratch", "protocol=smoke", "compute=cpu", "model.hidden_size=32")
QUICK = (*ROWS, *NO_DATA)
"""Overrides of a chain that takes a second."""


def token_head(hidden_size: int = 16) -> TokenHead:
    """A head for spans."""
    return TokenHead(hidden_size, 2, 0.0, "qa_outputs", "QuestionAnswering")


def flat(ids: torch.Tensor, lengths: list[int]) -> Inputs:
    """A micro-batch of sequences of one segment each."""
    return Inputs(ids, lengths, [1] * len(lengths), None, [])


def recipe(**changes: Any) -> Recipe:
    """The toy recipe with some fields changed."""
    return replace(RECIPE, **changes)


def compute(**changes: Any) -> Compute:
    """A CPU with some fields changed."""
    return replace(COMPUTE, **changes)


def rows(task: str, split: str = "train", language: str = "en", kind: str = "span") -> Data:
    """Pinned rows whose digest is made from their names."""
    return Data(task, kind, 1, split, language, f"sha256:{task}/{split}/{language}")


def learned(task: str = "squad", start: Train | Scratch = SCRATCH, **changes: Any) -> Train:
    """A training on a task's English rows."""
    return Train(rows(task), None, start, recipe(**changes))


def chain(workspace: Path, *overrides: str, quick: tuple[str, ...] = QUICK) -> Chain:
    """A chain over a few rows, everything in it found and pinned."""
    return resolve(build_request(compose_run([*quick, *overrides]), str(workspace), 0, offline=True))
