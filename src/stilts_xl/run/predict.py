"""Make Predict stages: one model loaded once, every wanted language through it, each an artifact of its own."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Predict, Train, slug
from stilts_xl.data.examples import load
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel, load_saved, saved_labels
from stilts_xl.run.drift import code_digests
from stilts_xl.run.retrieve import search
from stilts_xl.run.rows import prediction_rows
from stilts_xl.run.start import starting_point
from stilts_xl.store.files import write_atomically
from stilts_xl.store.record import write_record
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named

NAME = "predictions.jsonl"


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to predict."""

    model: TaskModel
    """With the head of its training; without any where it is a bare encoder."""
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]


def make_predictions(stages: list[Predict], site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
    """Predict stages of one model, whose artifact is complete, and complete each of them in turn.

    A language's batches hold its own sequences only, so its predictions do not depend on what else is in the job.
    Raises Interrupted between two batches where ``stopping``; the languages done are kept.
    """
    assert all(stage.model == stages[0].model for stage in stages), "one prediction job is one model"
    loaded = load_model(stages[0].model, site)
    for stage in stages:
        _predict(stage, loaded, site, report, stopping)


def _predict(stage: Predict, loaded: Loaded, site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
    name, began = slug(stage), time.monotonic()
    done = tokens = 0

    def advance(more: int, more_tokens: int, total: int) -> None:
        nonlocal done, tokens
        done, tokens = done + more, tokens + more_tokens
        report(Event(name, "predict", done, total, tokens_per_second=tokens / (time.monotonic() - began)))
        if stopping():
            raise Interrupted(f"stopped while predicting {name}")

    make = search if stage.retrieval is not None else answer
    rows, facts = make(stage, loaded.model, loaded.tokenizer, loaded.labels, site, advance)
    folder = stage_folder(Path(site.workspace), stage)
    write_atomically(folder / NAME, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    measured = {"tokens": tokens, "seconds": time.monotonic() - began, "device": torch_device(site.compute).type}
    write_record(folder, stage, [NAME], {**facts, **measured}, code_digests(task_named(stage.data.task)))
    report(Event(name, DONE, done, done))


def answer(
    stage: Predict,
    model: TaskModel,
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    site: Site,
    advance: Callable[[int, int, int], None],
) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    """(prediction rows, facts for the record) of a stage whose model has a head for it."""
    task, trained = task_named(stage.data.task), stage.model
    assert isinstance(trained, Train)
    kind, recipe = KINDS[task.kind], trained.recipe
    loaded = load(task, stage.data, site.place)
    encoded = kind.encode(loaded.examples, tokenizer, labels, recipe, training=False)
    total = len(encoded.tokens)
    device = torch_device(site.compute)
    found = outputs(
        model,
        trained.data.task,
        kind.reduce,
        encoded,
        layout_for(site.compute, device),
        predict_budget(site.compute, device),
        autocasts(recipe.precision, device),
        lambda more, tokens: advance(more, tokens, total),
    )
    rows = prediction_rows(task, labels, stage.data.language, loaded.examples, encoded, found, tokenizer, recipe)
    facts = {
        "examples": len(rows),
        "sequences": total,
        "truncated": encoded.truncated,
        "excluded": loaded.excluded,
        "moved_answers": loaded.moved,
        "unlabelled": loaded.unlabelled,
    }
    return rows, facts


def load_model(start: Train | Model, site: Site) -> Loaded:
    """The model that a complete Train stage left, or a bare encoder, on the site's device."""
    if site.compute.threads:
        torch.set_num_threads(site.compute.threads)
    encoder, tokenizer = starting_point(start, site)
    device = torch_device(site.compute)
    layout = layout_for(site.compute, device)
    if not isinstance(start, Train):
        return Loaded(TaskModel(encoder, {}, layout).to(device), tokenizer, ())
    folder = stage_folder(Path(site.workspace), start)
    labels = task_named(start.data.task).labels or saved_labels(folder)
    return Loaded(_with_head(encoder, start, labels, layout, folder).to(device), tokenizer, labels)


def _with_head(
    encoder: PreTrainedModel, trained: Train, labels: tuple[str, ...], layout: str, folder: Path
) -> TaskModel:
    head = KINDS[trained.data.kind].head(encoder, labels)
    model = TaskModel(encoder, {trained.data.task: head}, layout)
    load_saved(model, folder)
    return model
