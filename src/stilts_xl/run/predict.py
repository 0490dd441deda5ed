"""Make Predict stages: one model loaded once, every wanted language through it, each an artifact of its own."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import DONE, Event, Reporter
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Predict, Train, slug
from stilts_xl.data.examples import load
from stilts_xl.engine.device import autocasts, layout_for, predict_budget, torch_device
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel
from stilts_xl.run.drift import code_digests
from stilts_xl.run.memory import Memory, Ready
from stilts_xl.run.retrieve import search
from stilts_xl.run.rows import prediction_rows
from stilts_xl.store.files import write_atomically
from stilts_xl.store.record import write_record
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named

NAME = "predictions.jsonl"


def make_predictions(
    stages: list[Predict],
    site: Site,
    memory: Memory,
    report: Reporter,
    stopping: Callable[[], bool],
    begin: Callable[[Predict], None] = lambda stage: None,
) -> None:
    """Predict stages of one model, whose artifact is complete, and complete each of them in turn; ``begin`` hears of each.

    A language's batches hold its own sequences only, so its predictions do not depend on what else is in the job.
    Raises Interrupted between two batches where ``stopping``; the languages done are kept.
    """
    assert all(stage.model == stages[0].model for stage in stages), "one prediction job is one model"
    loaded = memory.model(stages[0].model, site)
    for stage in stages:
        begin(stage)
        _predict(stage, loaded, site, report, stopping)


def _predict(stage: Predict, loaded: Ready, site: Site, report: Reporter, stopping: Callable[[], bool]) -> None:
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
    stopping()  # raises where the stage is no longer ours to write
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
