"""Training and prediction throughput beside transformers.Trainer: `python scripts/bench_throughput.py [--quick]`.

Both sides have the same architecture and weights, sequences, targets, optimiser batch of 32, AdamW, linear schedule,
clipping and precision. Trainer runs its own loop, padding each batch to its longest sequence ("dynamic") or to the
longest that the recipe allows ("max"). The sides take turns in one process on the same batches; numbers are medians
over the turns, ratios are taken turn by turn. "max" takes part in the first two turns only, because it is so slow.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import yaml
from bench_data import CPU, SHAPE, TRAIN_BATCH, VOCABULARY, Indices, Pair, features, pair_of, same_loss, workloads
from rich.console import Console
from rich.table import Table
from transformers import (
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.utils import logging

from stilts_xl.core.recipe import Compute, Recipe
from stilts_xl.engine.device import layout_for, predict_budget, train_budget
from stilts_xl.engine.loop import train
from stilts_xl.engine.predict import outputs
from stilts_xl.engine.training import Lesson, Plan, Training
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import load_tokenizer

REPOSITORY = Path(__file__).resolve().parents[1]
SAMPLE_TOKENIZER = REPOSITORY / "src" / "stilts_xl" / "data" / "tokenizer"
PREDICT_BATCH = 64
SIDES = ("ours", "dynamic", "max")
MAX_TURNS = 2
BARS = {"train": 2.0, "predict": 3.0}
"""How many times the throughput of dynamic padding the mix is meant to reach."""


class Clock(TrainerCallback):
    """When each of Trainer's steps ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.ends.append(time.perf_counter())


def main() -> None:
    """Measure, print the table, and write the numbers where asked."""
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    root = options.data if options.data.is_dir() else None
    tokenizer = load_tokenizer(options.tokenizer if options.tokenizer.is_dir() else SAMPLE_TOKENIZER)
    recipe = Recipe(**(settings("protocol/xtreme")["recipe"] | {"precision": "fp32", "selection": "last"}))
    compute = Compute(**settings("compute/cpu"))
    console = Console(width=None if os.isatty(1) else 140)
    sets, notes = workloads(root, tokenizer, VOCABULARY, recipe)
    notes = [model_note(compute), *notes]
    for note in notes:
        console.print(f"- {note}", highlight=False)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for work in sets:
            pair = pair_of(work, tokenizer, recipe, compute, Path(folder) / work.name)
            same_loss(pair)
            rows.append(training_row(pair, options.rounds, options.steps))
            rows.append(prediction_row(pair, options.rounds, options.batches))
    console.print(table_of(rows))
    for row in (row for row in rows if row["task"] == "mix"):
        bar, found = BARS[row["what"]], row["over_dynamic"]["median"]
        verdict = "reached" if found >= bar else "NOT reached"
        console.print(
            f"{row['what']}, mix: {found:.2f}× dynamic padding; the bar of {bar:g}× is {verdict}", highlight=False
        )
    if options.json:
        options.json.write_text(json.dumps({"notes": notes, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """What was asked for on the command line; turns, and steps and prediction batches of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = REPOSITORY.parent / "shared"
    data, tokenizer = Path(os.environ.get("STILTS_DATA_ROOT", shared / "data")), shared / "models" / "xlmr-tokenizer"
    parser.add_argument(
        "--data", type=Path, default=data, help="folder of official downloads; absent: a few rows of the tests"
    )
    parser.add_argument("--tokenizer", type=Path, default=tokenizer, help="its folder; absent: the bundled one")
    parser.add_argument("--quick", action="store_true", help="one short turn each, under 90 seconds")
    parser.add_argument(
        "--threads", type=int, default=0, help="CPU threads; 1 is steadier where other programs run; 0: torch's choice"
    )
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    options.rounds, options.steps, options.batches = (1, 1, 1) if options.quick else (3, 2, 2)
    return options


def settings(name: str) -> dict[str, Any]:
    """One of the project's configuration files."""
    found: dict[str, Any] = yaml.safe_load((REPOSITORY / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def model_note(compute: Compute) -> str:
    """One line about the model and the machine."""
    size = "x".join(str(value) for value in SHAPE.values())
    ours = f"ours {layout_for(compute, CPU)}, {train_budget(compute, CPU)} and {predict_budget(compute, CPU)} tokens at once"
    return f"XLM-R's architecture, {size}, ids folded into {VOCABULARY}; fp32, {torch.get_num_threads()} CPU threads; {ours}"


def training_row(pair: Pair, rounds: int, steps: int) -> dict[str, Any]:
    """Training throughput; each turn's first step, which sets everything up, is not counted."""
    turns = pair.work.slices(rounds, TRAIN_BATCH, steps + 1)
    return measured("train", pair, turns, train_seconds, TRAIN_BATCH * steps, TRAIN_BATCH)


def prediction_row(pair: Pair, rounds: int, batches: int) -> dict[str, Any]:
    """Prediction throughput, after one batch to warm up."""
    turns = pair.work.runs(rounds, PREDICT_BATCH, batches)
    for side in SIDES:
        predict_seconds(pair, side, turns[0][:PREDICT_BATCH])
    return measured("predict", pair, turns, predict_seconds, PREDICT_BATCH * batches, PREDICT_BATCH)


def measured(
    what: str,
    pair: Pair,
    turns: list[Indices],
    seconds_of: Callable[[Pair, str, Indices], float],
    sequences: int,
    size: int,
) -> dict[str, Any]:
    """Each side over the same sequences, turn by turn: throughputs, our advantage, and what padding costs."""
    seconds: dict[str, list[float]] = {side: [] for side in SIDES}
    for number, turn in enumerate(turns):
        for side in SIDES if number < MAX_TURNS else SIDES[:-1]:
            seconds[side].append(seconds_of(pair, side, turn))
    row: dict[str, Any] = {"task": pair.work.name, "what": what}
    row |= {side: sequences / median(spent) for side, spent in seconds.items()}
    for side in SIDES[1:]:
        ratios = [theirs / ours for ours, theirs in zip(seconds["ours"], seconds[side], strict=False)]
        row[f"over_{side}"] = {"median": median(ratios), "turns": ratios}
    batches = pair.work.encoded.lengths[np.concatenate(turns)].reshape(-1, size)
    row["padded_dynamic"] = float((batches.max(axis=1) * size).sum() / batches.sum())
    row["padded_max"] = float(pair.work.max_length / batches.mean())
    return row


def train_seconds(pair: Pair, side: str, indices: Indices) -> float:
    """Seconds from the end of the first step to the end of the last, each side in its own loop."""
    return ours_train(pair, indices) if side == "ours" else trainer_train(pair, side, indices)


def ours_train(pair: Pair, indices: Indices) -> float:
    name, encoded = pair.work.name, pair.work.encoded
    ends: list[float] = []
    batches = indices.reshape(-1, TRAIN_BATCH)
    training = Training(
        slug=name,
        model=pair.ours,
        lessons={name: Lesson(KINDS[pair.work.kind], encoded, tuple(str(owner) for owner in encoded.owner))},
        plan=Plan(len(batches), lambda step: (name, batches[step])),
        recipe=pair.recipe,
        compute=pair.compute,
        folder=pair.folder / "ours",
        validate=None,
        tracker="none",
        tracking=pair.folder,
    )
    train(training, lambda event: ends.append(time.perf_counter()), lambda: False)
    return ends[-1] - ends[0]


def trainer_train(pair: Pair, side: str, indices: Indices) -> float:
    clock = Clock()
    trainer = trainer_of(pair, side, features(pair.work.part(indices), pair.work.kind, targets=True))
    trainer.add_callback(clock)
    trainer.train()
    return clock.ends[-1] - clock.ends[0]


def predict_seconds(pair: Pair, side: str, indices: Indices) -> float:
    """Seconds for the logits of all sequences, each side in its own loop."""
    part = pair.work.part(indices)
    if side == "ours":
        layout, budget = layout_for(pair.compute, CPU), predict_budget(pair.compute, CPU)
        began = time.perf_counter()
        outputs(pair.ours, pair.work.name, KINDS[pair.work.kind], part, layout, budget, autocast=False)
        return time.perf_counter() - began
    rows = features(part, pair.work.kind, targets=False)
    trainer = trainer_of(pair, side, rows)
    began = time.perf_counter()
    trainer.predict(rows)  # type: ignore[arg-type]
    return time.perf_counter() - began


def trainer_of(pair: Pair, side: str, rows: list[dict[str, Any]]) -> Trainer:
    """Trainer with our recipe, our order of sequences, and nothing beside the loop itself."""
    recipe = pair.recipe
    options = TrainingArguments(
        output_dir=str(pair.folder / side), use_cpu=True, num_train_epochs=1, train_sampling_strategy="sequential",
        per_device_train_batch_size=TRAIN_BATCH, per_device_eval_batch_size=PREDICT_BATCH, optim="adamw_torch_fused",
        learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay, adam_beta1=recipe.adam_beta1,
        adam_beta2=recipe.adam_beta2, adam_epsilon=recipe.adam_epsilon, max_grad_norm=recipe.max_grad_norm,
        lr_scheduler_type="linear", seed=recipe.seed, logging_strategy="no", save_strategy="no", eval_strategy="no",
        report_to="none", disable_tqdm=True, remove_unused_columns=False, dataloader_pin_memory=False,
    )  # fmt: skip
    padding = {"dynamic": "longest", "max": "max_length"}[side]
    collate = DataCollatorWithPadding(pair.tokenizer, padding=padding, max_length=pair.work.max_length)
    trainer = Trainer(pair.theirs, options, data_collator=collate, train_dataset=rows)
    trainer.remove_callback(PrinterCallback)
    return trainer


def table_of(rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    table = Table(
        title="sequences/s; ours ÷ transformers.Trainer: median (lowest-highest turn); computed ÷ real tokens"
    )
    titles = ("", "", "ours", "dynamic", "max", "ours ÷ dynamic", "ours ÷ max", "padded,\ndynamic", "padded,\nmax")
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number < 2 else "right", no_wrap=True)
    for row in sorted(rows, key=lambda row: row["what"] == "predict"):
        cells = [f"{row[side]:,.1f}" for side in SIDES]
        for side in SIDES[1:]:
            ratios = row[f"over_{side}"]
            cells.append(f"{ratios['median']:.2f}× ({min(ratios['turns']):.2f}-{max(ratios['turns']):.2f})")
        cells += [f"{row['padded_dynamic']:.2f}", f"{row['padded_max']:.2f}"]
        table.add_row(row["what"], row["task"], *cells, end_section=row["task"] == "mix")
    return table


if __name__ == "__main__":
    main()
