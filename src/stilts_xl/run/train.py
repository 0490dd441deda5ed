"""Make a Train stage: load, encode, run the engine, save, record."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from accelerate import PartialState
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.recipe import Recipe
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Data, Train, slug
from stilts_xl.core.task import Task
from stilts_xl.data.batches import batch, steps_per_epoch
from stilts_xl.data.examples import load
from stilts_xl.engine.checkpoint import remove_checkpoints
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.loop import train
from stilts_xl.engine.predict import outputs
from stilts_xl.engine.training import Lesson, Plan, Training
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.metrics.scores import score
from stilts_xl.model.encoder import TaskModel, save
from stilts_xl.model.heads import initialise
from stilts_xl.run.drift import code_digests
from stilts_xl.run.rows import prediction_rows
from stilts_xl.run.start import starting_point
from stilts_xl.store.record import write_record
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named

HEAD_DEVIATION = 0.02
"""XLM-R's initializer_range."""


def make_training(stage: Train, site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
    """Train a stage whose start is complete, from its last checkpoint if there is one, and complete it.

    With several processes each calls this, and the main one writes. Raises what the loaders and the engine raise.
    """
    name, recipe = slug(stage), stage.recipe
    report(Event(name, "load", 0, 0))
    task = task_named(stage.data.task)
    kind = KINDS[task.kind]
    encoder, tokenizer = starting_point(stage.start, site)
    loaded = load(task, stage.data, site.place)
    encoded = kind.encode(loaded.examples, tokenizer, task.labels, recipe, training=True)
    head = kind.head(encoder.config.hidden_size, encoder.config.hidden_dropout_prob, task.labels)
    initialise(head, HEAD_DEVIATION, torch.Generator().manual_seed(head_seed(recipe.seed, task.name)))
    folder = stage_folder(Path(site.workspace), stage)
    training = Training(
        slug=name,
        model=TaskModel(encoder, {task.name: head}, layout_for(site.compute, torch_device(site.compute))),
        lessons={task.name: Lesson(kind, encoded, tuple(example.id for example in loaded.examples))},
        plan=single_task_plan(task.name, len(encoded.tokens), recipe),
        recipe=recipe,
        compute=site.compute,
        folder=folder,
        validate=validator(stage.validation, task, tokenizer, recipe, site) if stage.validation else None,
        tracker=site.tracker,
        tracking=Path(site.workspace) / "tracking",
    )
    outcome = train(training, report, stopping)
    if PartialState().is_main_process:
        names = save(training.model, tokenizer, task.labels, folder)
        counts = {"examples": len(loaded.examples), "excluded": loaded.excluded, "moved_answers": loaded.moved}
        sizes = {"sequences": len(encoded.tokens), "truncated": encoded.truncated}
        write_record(folder, stage, names, asdict(outcome) | counts | sizes, code_digests(task))
        remove_checkpoints(folder)
    report(Event(name, DONE, outcome.steps, outcome.planned, outcome.loss))


def single_task_plan(task: str, sequences: int, recipe: Recipe) -> Plan:
    """Every batch from one task: the recipe's epochs, cut at max_steps where that is set."""
    total = max(1, math.ceil(steps_per_epoch(sequences, recipe.batch_size) * recipe.epochs))
    total = min(total, recipe.max_steps) if recipe.max_steps else total
    return Plan(total, lambda step: (task, batch(step, sequences, recipe.batch_size, recipe.seed)))


def head_seed(seed: int, task: str) -> int:
    """The seed of a new head's weights: a function of the recipe's seed and the task."""
    return int.from_bytes(hashlib.sha256(f"{seed}/head/{task}".encode()).digest()[:7], "big")


def validator(
    data: Data, trained: Task, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, site: Site
) -> Callable[[TaskModel], float]:
    """A function that scores a model on the first English validation examples, in percent of the task's first metric."""
    task = task_named(data.task)
    kind = KINDS[task.kind]
    loaded = load(task, data, site.place)
    examples = loaded.examples[: recipe.eval_examples] if recipe.eval_examples else loaded.examples
    encoded = kind.encode(examples, tokenizer, trained.labels, recipe, training=False)
    device = torch_device(site.compute)
    layout, budget, autocast = (
        layout_for(site.compute, device),
        predict_budget(site.compute, device),
        autocasts(recipe, device),
    )

    def validate(model: TaskModel) -> float:
        found = outputs(model, trained.name, kind, encoded, layout, budget, autocast)
        rows = prediction_rows(task, trained.labels, data.language, examples, encoded, found, tokenizer, recipe)
        return score(task.scorer, rows, data.language)[task.metrics[0]]

    return validate
