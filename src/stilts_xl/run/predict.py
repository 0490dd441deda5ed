"""Make Predict stages: one model loaded once, every wanted language through it, each an artifact of its own."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Predict, Train, slug
from stilts_xl.data.examples import load
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel, from_folder, load_saved, load_tokenizer
from stilts_xl.run.drift import code_digests
from stilts_xl.run.rows import prediction_rows
from stilts_xl.store.files import write_atomically
from stilts_xl.store.record import write_record
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named

NAME = "predictions.jsonl"


def make_predictions(stages: list[Predict], site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
    """Predict stages of one model, whose artifact is complete, and complete each of them in turn.

    A language's batches hold its own sequences only, so its predictions do not depend on what else is in the job.
    Raises Interrupted between two batches where ``stopping``; the languages done are kept.
    """
    trained = stages[0].model
    assert all(stage.model == trained for stage in stages), "one prediction job is one model"
    tokenizer = load_tokenizer(stage_folder(Path(site.workspace), trained))
    model = load_trained(trained, site)
    for stage in stages:
        _predict(stage, model, tokenizer, site, report, stopping)


def _predict(
    stage: Predict,
    model: TaskModel,
    tokenizer: PreTrainedTokenizerBase,
    site: Site,
    report: Reporter,
    stopping: Callable[[], bool],
) -> None:
    name, trained, began = slug(stage), stage.model, time.monotonic()
    task, labels = task_named(stage.data.task), task_named(trained.data.task).labels
    kind = KINDS[task.kind]
    loaded = load(task, stage.data, site.place)
    encoded = kind.encode(loaded.examples, tokenizer, labels, trained.recipe, training=False)
    total = len(encoded.tokens)
    sequences = tokens = 0

    def advance(more: int, more_tokens: int) -> None:
        nonlocal sequences, tokens
        sequences, tokens = sequences + more, tokens + more_tokens
        report(Event(name, "predict", sequences, total, tokens_per_second=tokens / (time.monotonic() - began)))
        if stopping():
            raise Interrupted(f"stopped while predicting {name}")

    device = torch_device(site.compute)
    layout, budget = layout_for(site.compute, device), predict_budget(site.compute, device)
    autocast = autocasts(trained.recipe, device)
    found = outputs(model, trained.data.task, kind, encoded, layout, budget, autocast, advance)
    rows = prediction_rows(
        task, labels, stage.data.language, loaded.examples, encoded, found, tokenizer, trained.recipe
    )
    folder = stage_folder(Path(site.workspace), stage)
    write_atomically(folder / NAME, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    facts = {
        "examples": len(rows),
        "sequences": total,
        "tokens": tokens,
        "truncated": encoded.truncated,
        "excluded": loaded.excluded,
        "moved_answers": loaded.moved,
        "unlabelled": loaded.unlabelled,
        "seconds": time.monotonic() - began,
        "device": device.type,
    }
    write_record(folder, stage, [NAME], facts, code_digests(task))
    report(Event(name, DONE, total, total))


def load_trained(trained: Train, site: Site) -> TaskModel:
    """The model that a complete Train stage left, on the site's device."""
    folder = stage_folder(Path(site.workspace), trained)
    task = task_named(trained.data.task)
    encoder = from_folder(folder)
    head = KINDS[task.kind].head(encoder.config.hidden_size, encoder.config.hidden_dropout_prob, task.labels)
    device = torch_device(site.compute)
    if site.compute.threads:
        torch.set_num_threads(site.compute.threads)
    model = TaskModel(encoder, {task.name: head}, layout_for(site.compute, device))
    load_saved(model, folder)
    return model.to(device)
