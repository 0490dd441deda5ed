"""Tags, choices, masked text and mixtures through whole stages: stopped and gone on, carried over, never too long."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, XLMRobertaForMaskedLM

from sample_rows import ROWS
from stilts_xl.core.errors import Interrupted
from stilts_xl.core.event import Event
from stilts_xl.core.stage import Train, slug, trainings
from stilts_xl.model.encoder import from_scratch, load_tokenizer
from stilts_xl.run.plan import missing_stages
from stilts_xl.run.resolve import TOKENIZER, Chain
from stilts_xl.run.runner import run_missing
from stilts_xl.run.train import task_plan
from stilts_xl.store.store import completed, stage_folder
from toys import SCRATCH, chain, recipe

QUICK = (
    *ROWS, "protocol=smoke", "compute=cpu", "compute.threads=1", "compute.checkpoint_steps=1000",
)  # fmt: skip
SMALL = ("model=scratch", "model.hidden_size=32", "model.dropout=0.1")


def asked(workspace: Path, *overrides: str) -> Chain:
    return chain(workspace, *overrides, quick=QUICK)


def make(found: Chain, stopping: Callable[[list[Event]], bool] = lambda events: False) -> list[Event]:
    """Make what is missing; what was said."""
    events: list[Event] = []
    todo = missing_stages(found.goals, Path(found.site.workspace))
    run_missing(todo, found.site, events.append, lambda: stopping(events))
    return events


def weights(found: Chain, stage: Train) -> dict[str, torch.Tensor]:
    return load_file(stage_folder(Path(found.site.workspace), stage) / "model.safetensors")


def losses(events: list[Event]) -> list[float]:
    return [event.loss for event in events if event.phase == "train" and event.loss is not None]


# Stopped and gone on

CHAINS = {
    "mlm": ("target=mlm", "target.alpha=0.3", "target.split=validation"),
    "mixture": ("intermediate=anli_plus", "target=xnli", "languages=[de]", "intermediate.max_steps=5"),
    "choose": ("target=hellaswag", "target.split=validation"),
    "tag": ("intermediate=ccg", "target=panx", "languages=[de]", "intermediate.max_steps=5"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_run_that_was_stopped_again_and_again_ends_with_the_same_bytes(name, tmp_path) -> None:
    overrides = (*SMALL, *CHAINS[name], "target.max_steps=12", "target.epochs=30", "target.batch_size=4")
    undisturbed, stopped = (asked(tmp_path / folder, *overrides) for folder in ("undisturbed", "stopped"))
    make(undisturbed)
    stops = 0
    for steps in (1, 2, 3):
        torch.manual_seed(steps)
        try:
            make(stopped, lambda events, steps=steps: len(losses(events)) >= steps)
        except Interrupted:
            stops += 1
    events = make(stopped)
    assert stops == 3 and any(event.message.startswith("resuming at step") for event in events)
    assert undisturbed.goals == stopped.goals
    for goal in undisturbed.goals:
        for stage, file in [*((stage, "model.safetensors") for stage in trainings(goal)), (goal, "predictions.jsonl")]:
            one, other = (stage_folder(tmp_path / folder, stage) / file for folder in ("undisturbed", "stopped"))
            assert one.read_bytes() == other.read_bytes(), slug(stage)


def test_of_a_loss_the_lowest_is_kept(tmp_path) -> None:
    found = asked(
        tmp_path, *SMALL, "target=mlm", "target.split=validation", "target.selection=best", "target.eval_every=3",
        "target.max_steps=12", "target.epochs=30", "target.learning_rate=3e-2", "target.schedule=constant",
    )  # fmt: skip
    said = [event.message for event in make(found) if event.phase == "validate"]
    validated = [float(message.split()[1]) for message in said]
    facts = completed(tmp_path, found.goals[0].model).facts
    assert len(validated) == 4 and min(validated) < max(validated)
    assert facts["kept_score"] == pytest.approx(min(validated), abs=0.006)
    assert facts["kept_step"] == 3 * (validated.index(min(validated)) + 1)


# The language head


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A folder as it is published, with its language head."""
    folder = tmp_path_factory.mktemp("published")
    tokenizer = load_tokenizer(TOKENIZER)
    torch.manual_seed(4)
    model = XLMRobertaForMaskedLM(from_scratch(SCRATCH, tokenizer).config)
    for tensor in model.lm_head.parameters():
        if tensor is not model.roberta.embeddings.word_embeddings.weight:
            torch.nn.init.normal_(tensor, std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


STILL = ("warmup_steps=100", "max_steps=1", "batch_size=4")
"""A training that changes nothing: its only step has no rate."""


def of_role(role: str, settings: tuple[str, ...]) -> list[str]:
    return [f"{role}.{setting}" for setting in settings]


@pytest.mark.parametrize("between", ["none", "mnli", "udpos"])
def test_masked_text_goes_on_with_the_published_head_whatever_was_learned_in_between(
    between, published, tmp_path
) -> None:
    steps = [*of_role("target", STILL), *([] if between == "none" else of_role("intermediate", STILL))]
    found = asked(
        tmp_path, "model=scratch", f"model.path={published}", f"intermediate={between}", "target=mlm",
        "target.split=validation", *steps,
    )  # fmt: skip
    make(found)
    left, given = weights(found, found.goals[0].model), load_file(published / "model.safetensors")
    heads = {name: tensor for name, tensor in given.items() if name.startswith("lm_head.")}
    assert len(heads) == 5
    assert all(torch.equal(left[name], tensor) for name, tensor in heads.items())


def test_masked_text_twice_keeps_the_head_it_has_learned(tmp_path) -> None:
    found = asked(
        tmp_path, *SMALL, "intermediate=tlm", "intermediate.max_steps=3", "target=mlm", "target.split=validation",
        *of_role("target", STILL),
    )  # fmt: skip
    make(found)
    mlm = found.goals[0].model
    first, second = weights(found, mlm.start), weights(found, mlm)
    assert all(torch.equal(first[name], second[name]) for name in first if name.startswith("lm_head."))


def test_after_masked_text_the_folder_is_a_stock_model_and_the_encoder_is_carried_on(tmp_path) -> None:
    found = asked(
        tmp_path, *SMALL, "intermediate=mlm", "intermediate.max_steps=5", "intermediate.learning_rate=1e-2",
        "target=xnli", "languages=[de]", *of_role("target", STILL),
    )  # fmt: skip
    make(found)
    xnli = found.goals[0].model
    assert isinstance(xnli.start, Train)
    first, second = weights(found, xnli.start), weights(found, xnli)
    carried = [name for name in second if name.startswith("roberta.")]
    assert all(torch.equal(first[name], second[name]) for name in carried)
    assert not any(name.startswith("lm_head.") for name in second)
    folder = stage_folder(tmp_path, xnli.start)
    stock = AutoModelForMaskedLM.from_pretrained(folder).eval()
    assert stock.lm_head.decoder.weight is stock.roberta.embeddings.word_embeddings.weight
    table = "roberta.embeddings.word_embeddings.weight"
    tokenizer = load_tokenizer(folder)
    scratch = from_scratch(found.cell.model, tokenizer).embeddings.word_embeddings.weight
    assert not torch.equal(first[table], scratch), "otherwise nothing was learned"


# Mixtures


@pytest.mark.parametrize(("alpha", "expected"), [(0.3, [34, 66]), (1.0, [10, 90])])
def test_an_epoch_s_batches_hold_the_quotas_of_the_parts(alpha, expected) -> None:
    plan = task_plan("toy", (10, 90), recipe(batch_size=8, epochs=3.0, alpha=alpha))
    assert plan.total == 39
    for epoch in range(3):
        batches = [plan.at(step)[1] for step in range(13 * epoch, 13 * epoch + 13)]
        assert [len(indices) for indices in batches] == [8] * 12 + [4]
        drawn = np.bincount(np.concatenate(batches), minlength=100)
        assert [drawn[:10].sum(), drawn[10:].sum()] == expected
        assert drawn.max() <= 4 and (alpha < 1 or (drawn == 1).all())
        assert drawn[10:].max() == 1
