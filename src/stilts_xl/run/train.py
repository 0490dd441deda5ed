"""Make a Train stage: load, encode, run the engine, save, record."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.example import Example
from stilts_xl.core.recipe import Recipe
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Rows, Train, slug
from stilts_xl.data.batches import batch, steps_per_epoch
from stilts_xl.data.examples import Loaded, load_rows
from stilts_xl.data.shuffled import shuffled_labels
from stilts_xl.engine.checkpoint import remove_checkpoints
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.loop import train
from stilts_xl.engine.predict import outputs
from stilts_xl.engine.training import Lesson, Plan, Training
from stilts_xl.kinds.base import Encoded
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.metrics.scores import METRICS, score
from stilts_xl.model.encoder import TaskModel, save
from stilts_xl.model.heads import Head, LanguageHead, initialise
from stilts_xl.run.drift import code_digests
from stilts_xl.run.memory import Memory, Ready
from stilts_xl.run.rows import prediction_rows
from stilts_xl.run.start import language_head
from stilts_xl.store.record import write_record
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named

HEAD_DEVIATION = 0.02
"""XLM-R's initializer_range."""


def make_training(stage: Train, site: Site, memory: Memory, report: Reporter, stopping: Callable[[], bool]) -> None:
    """Train a stage whose start is complete, from its last checkpoint if there is one, and complete it.

    The model stays in ``memory``. With several processes each calls this, and the main one writes. Raises what the loaders and the engine raise.
    """
    name, recipe = slug(stage), stage.recipe
    report(Event(name, "load", 0, 0))
    task = task_named(stage.data.task)
    kind = KINDS[task.kind]
    encoder, tokenizer = memory.encoder(stage.start, site)
    encoder.embeddings.requires_grad_(recipe.frozen != "embeddings")  # it may come from a stage with another recipe
    loaded = load_rows(stage.data, site.place)
    examples = shuffled_labels(loaded.examples, recipe.seed) if recipe.shuffled_labels else loaded.examples
    encoded = kind.encode(examples, tokenizer, loaded.labels, recipe, training=True)
    head = kind.head(encoder, loaded.labels)
    begin(head, stage, site)
    folder = stage_folder(Path(site.workspace), stage)
    training = Training(
        slug=name,
        model=TaskModel(encoder, {task.name: head}, layout_for(site.compute, torch_device(site.compute))),
        lessons={task.name: Lesson(kind, encoded, tuple(example.id for example in loaded.examples))},
        plan=task_plan(task.name, part_sizes(loaded, encoded), recipe),
        recipe=recipe,
        compute=site.compute,
        folder=folder,
        validate=validator(stage.validation, task.name, loaded.labels, tokenizer, recipe, site)
        if stage.validation
        else None,
        higher=METRICS[task_named((stage.validation or stage.data).task).metrics[0]].higher,
        tracker=site.tracker,
        tracking=Path(site.workspace) / "tracking",
    )
    outcome = train(training, report, stopping)
    stopping()  # raises where the stage is no longer ours to write
    if PartialState().is_main_process:
        names = save(training.model, tokenizer, loaded.labels, folder)
        counts = {"examples": len(loaded.examples), "excluded": loaded.excluded, "moved_answers": loaded.moved}
        sizes = {"sequences": len(encoded.tokens), "truncated": encoded.truncated}
        write_record(folder, stage, names, asdict(outcome) | counts | sizes, code_digests(task))
        remove_checkpoints(folder)
    memory.keep(stage, Ready(training.model, tokenizer, loaded.labels))
    report(Event(name, DONE, outcome.steps, outcome.planned, outcome.loss))


def task_plan(task: str, sizes: tuple[int, ...], recipe: Recipe) -> Plan:
    """Every batch from one task, of whatever parts: the recipe's epochs, cut at max_steps where that is set."""
    total = max(1, math.ceil(steps_per_epoch(sum(sizes), recipe.batch_size) * recipe.epochs))
    total = min(total, recipe.max_steps) if recipe.max_steps else total
    return Plan(total, lambda step: (task, batch(step, sizes, recipe.batch_size, recipe.seed, recipe.alpha)))


def part_sizes(loaded: Loaded, encoded: Encoded) -> tuple[int, ...]:
    """The number of sequences of each part; a part's examples, and so its sequences, stand together."""
    part = np.searchsorted(np.cumsum(loaded.parts), encoded.owner, side="right")
    return tuple(np.bincount(part, minlength=len(loaded.parts)).tolist())


def begin(head: Head, stage: Train, site: Site) -> None:
    """Give a head its first weights: random ones, or for masked language modelling those that the encoder came with."""
    generator = torch.Generator().manual_seed(head_seed(stage.recipe.seed, stage.data.task))
    initialise(head, HEAD_DEVIATION, generator)
    if isinstance(head, LanguageHead) and (published := language_head(stage.start, site)):
        head.load_state_dict(published)


def head_seed(seed: int, task: str) -> int:
    """The seed of a new head's weights: a function of the recipe's seed and the task."""
    return int.from_bytes(hashlib.sha256(f"{seed}/head/{task}".encode()).digest()[:7], "big")


def validator(
    data: Rows, head: str, labels: tuple[str, ...], tokenizer: PreTrainedTokenizerBase, recipe: Recipe, site: Site
) -> Callable[[TaskModel], float]:
    """A function that scores a model on the first validation examples, by the first metric of their task."""
    task = task_named(data.task)
    kind = KINDS[task.kind]
    examples = first_examples(load_rows(data, site.place), recipe.eval_examples)
    encoded = kind.encode(examples, tokenizer, labels, recipe, training=False)
    device = torch_device(site.compute)
    layout, budget, autocast = (
        layout_for(site.compute, device),
        predict_budget(site.compute, device),
        autocasts(recipe.precision, device),
    )

    def validate(model: TaskModel) -> float:
        found = outputs(model, head, kind.reduce, encoded, layout, budget, autocast)
        rows = prediction_rows(task, labels, data.language, examples, encoded, found, tokenizer, recipe)
        return score(task.scorer, rows, data.language)[task.metrics[0]]

    return validate


def first_examples(loaded: Loaded, wanted: int) -> tuple[Example, ...]:
    """The first ``wanted`` examples, as evenly as that goes from every part; 0 for all."""
    if not wanted:
        return loaded.examples
    share = -(-wanted // len(loaded.parts))
    ends = np.cumsum(loaded.parts).tolist()
    parts = [loaded.examples[end - size : end][:share] for size, end in zip(loaded.parts, ends, strict=True)]
    return tuple(example for part in parts for example in part)
