"""Tag, choose and mlm learn what a plain loop over stock Hugging Face classes learns, however a batch is laid out."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import gelu, linear
from toy_training import LABELS, OPTIONS, Run, assert_close, encoder, equal, new_head, training
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    get_linear_schedule_with_warmup,
)

from stilts_xl.core.errors import Interrupted
from stilts_xl.core.recipe import Recipe
from stilts_xl.engine.optimizer import adamw
from stilts_xl.engine.training import Training
from stilts_xl.kinds import mlm
from stilts_xl.kinds.base import Encoded
from stilts_xl.model.encoder import TaskModel
from stilts_xl.model.heads import stock_name
from stilts_xl.model.inputs import Inputs
from toys import recipe

STOCK = {
    "tag": AutoModelForTokenClassification,
    "choose": AutoModelForSequenceClassification,
    "mlm": AutoModelForMaskedLM,
}
LEARNING = {"max_grad_norm": 0.5, "warmup_steps": 2, "weight_decay": 0.1, "mask_probability": 0.3}
IGNORED = -100
PAD = 1


@pytest.fixture(scope="module", params=STOCK)
def kind(request) -> str:
    return request.param


def stock_model(kind: str) -> Any:
    """The stock class with the toy encoder's weights and the toy head's."""
    start = encoder(outputs=LABELS[kind])
    model = STOCK[kind].from_config(start.config)
    model.roberta.load_state_dict(start.state_dict(), strict=False)  # stock heads come without the pooler
    head = new_head(kind, start=start)
    named = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in head.state_dict().items():
            named[stock_name(head, name)].copy_(tensor)
    return model


def padded(sequences: list[np.ndarray]) -> dict[str, torch.Tensor]:
    """Sequences as a stock class takes them."""
    longest = max(map(len, sequences))
    ids = torch.full((len(sequences), longest), PAD)
    for row, tokens in zip(ids, sequences, strict=True):
        row[: len(tokens)] = torch.from_numpy(tokens)
    return {"input_ids": ids, "attention_mask": (ids != PAD).long()}


def stock_loss(kind: str, model: Any, encoded: Encoded, indices: np.ndarray, rule: Recipe, step: int) -> torch.Tensor:
    """The stock class's own loss of a whole batch at once: a mean over what is labelled."""
    if kind == "choose":
        options = [np.split(encoded.tokens[index], np.cumsum(encoded.segments[index])[:-1]) for index in indices]
        logits = model(**padded([option for parts in options for option in parts])).logits.view(-1, OPTIONS)
        answers = torch.tensor([int(encoded.targets[index][0]) for index in indices])
        return -torch.log_softmax(logits, dim=1)[torch.arange(len(answers)), answers].mean()
    batch = mlm.draw(encoded, indices, rule, step) if kind == "mlm" else None
    tokens = batch.tokens if batch else [encoded.tokens[index] for index in indices]
    chosen = batch.chosen if batch else [encoded.chosen[index] for index in indices]
    targets = batch.targets if batch else [encoded.targets[index] for index in indices]
    inputs = padded(tokens)
    labels = torch.full(inputs["input_ids"].shape, IGNORED)
    for row, places, wanted in zip(labels, chosen, targets, strict=True):
        row[torch.from_numpy(places)] = torch.from_numpy(wanted)
    return model(**inputs, labels=labels).loss


def plain_loop(kind: str, given: Training) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and weights of a plain PyTorch loop: no code of ours but the batches and what is masked in them."""
    model, rule = stock_model(kind), given.recipe
    named = {name: parameter for name, parameter in model.named_parameters() if ".pooler." not in name}
    groups = [
        {"params": [p for p in named.values() if p.dim() > 1], "weight_decay": rule.weight_decay},
        {"params": [p for p in named.values() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rule.learning_rate, betas=(0.9, 0.999), eps=rule.adam_epsilon)
    scheduler = get_linear_schedule_with_warmup(optimizer, 2, given.plan.total)
    losses, clipped = [], 0
    for step in range(given.plan.total):
        loss = stock_loss(kind, model, given.lessons["toy"].encoded, given.plan.at(step)[1], rule, step)
        loss.backward()
        clipped += bool(torch.nn.utils.clip_grad_norm_(named.values(), rule.max_grad_norm) > rule.max_grad_norm)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert clipped, "otherwise nothing is proved about clipping"
    return losses, model.state_dict()


@pytest.fixture(scope="module")
def reference(kind, tmp_path_factory) -> tuple[list[float], dict[str, torch.Tensor]]:
    return plain_loop(kind, training(tmp_path_factory.mktemp(kind), kind=kind, **LEARNING))


@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
@pytest.mark.parametrize("budget", [1, 70, 10**6])
def test_a_training_is_that_of_a_plain_loop_over_the_stock_class(layout, budget, kind, reference, tmp_path) -> None:
    computed = {"layout": layout, "token_budget": budget}
    found = Run(training(tmp_path, kind=kind, computed=computed, **LEARNING))
    losses, expected = reference
    assert len(losses) == 12 and len(set(losses)) == 12
    assert found.losses == pytest.approx(losses, rel=1e-4)
    shared = found.weights.keys() & expected.keys()
    assert found.weights.keys() - shared == {name for name in found.weights if ".pooler." in name}
    assert_close({name: found.weights[name] for name in shared}, {name: expected[name] for name in shared})


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_a_training_with_dropout_that_was_stopped_ends_with_the_same_bits(layout, kind, tmp_path) -> None:
    settings = {"kind": kind, "dropout": 0.1, "computed": {"layout": layout, "token_budget": 70}}
    undisturbed = Run(training(tmp_path / "undisturbed", **settings))
    for stop in (3, 4):
        with pytest.raises(Interrupted):
            Run(training(tmp_path / "stopped", **settings), stop_after=stop)
        torch.manual_seed(stop)
    resumed = Run(training(tmp_path / "stopped", **settings))
    assert "resuming at step 7" in resumed.messages
    assert equal(resumed.weights, undisturbed.weights)
    assert resumed.losses == undisturbed.losses[7:]


def test_the_tied_table_is_one_parameter_with_gradients_from_both_ends() -> None:
    start = encoder()
    head = new_head("mlm", start=start)
    model, table = TaskModel(start, {"toy": head}, "padded"), start.get_input_embeddings().weight
    groups = adamw(model, recipe(weight_decay=0.1)).param_groups
    assert [sum(parameter is table for parameter in group["params"]) for group in groups] == [1, 0]
    assert all(group["weight_decay"] == decay for group, decay in zip(groups, (0.1, 0.0), strict=True))
    assert not any(tensor.shape == table.shape for tensor in head.state_dict().values())

    ids = torch.arange(4, 12)
    inputs = Inputs(ids, [8], [1], torch.tensor([2, 5]), [2])

    def gradient(detached_input: bool, detached_output: bool) -> torch.Tensor:
        table.grad = None
        seen = start(inputs_embeds=table[ids][None].detach() if detached_input else table[ids][None])
        hidden = head.layer_norm(gelu(head.dense(seen.last_hidden_state[0, [2, 5]])))
        logits = linear(hidden, table.detach() if detached_output else table, head.bias)
        mlm.loss(logits, inputs, torch.tensor([7, 9])).backward()
        return table.grad.clone()

    one, other = gradient(True, False), gradient(False, True)
    assert one.any() and other.any()
    table.grad = None
    mlm.loss(model(inputs, "toy"), inputs, torch.tensor([7, 9])).backward()
    torch.testing.assert_close(table.grad, one + other, rtol=1e-4, atol=1e-6)
