"""The learning rate is Hugging Face's at every step, as a function of the step alone; what decays is what should."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoModel,
    XLMRobertaConfig,
    XLMRobertaXLConfig,
    get_constant_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

from stilts_xl.engine.optimizer import adamw, learning_rate
from stilts_xl.model.encoder import TaskModel
from stilts_xl.model.heads import SentenceHead
from toys import recipe

SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def stock_rates(schedule: str, warmup: int, total: int, peak: float) -> list[float]:
    """The rate of each update as transformers' scheduler sets it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    if schedule == "linear":
        scheduler = get_linear_schedule_with_warmup(optimizer, warmup, total)
    else:
        scheduler = get_constant_schedule_with_warmup(optimizer, warmup)
    found = []
    for _ in range(total):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize("schedule", ["linear", "constant"])
@pytest.mark.parametrize(("warmup", "total"), [(0, 1), (1, 1), (0, 7), (3, 30), (30, 30), (50, 30), (500, 600)])
def test_every_rate_is_that_of_the_stock_schedule(schedule: str, warmup: int, total: int) -> None:
    rule = recipe(learning_rate=3e-5, schedule=schedule, warmup_steps=warmup, warmup_fraction=0.0)
    found = [learning_rate(step, total, rule) for step in range(total)]
    assert found == pytest.approx(stock_rates(schedule, warmup, total, 3e-5), rel=1e-12)


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from(["linear", "constant"]))
def test_a_share_of_warm_up_steps_is_rounded_up_as_the_trainer_does(total, fraction, schedule) -> None:
    rule = recipe(schedule=schedule, warmup_fraction=fraction)
    warmup = -int(-(fraction * total) // 1)
    found = [learning_rate(step, total, rule) for step in range(total)]
    assert found == pytest.approx(stock_rates(schedule, warmup, total, rule.learning_rate), rel=1e-12)


def test_steps_of_warm_up_win_over_a_share() -> None:
    assert learning_rate(4, 100, recipe(warmup_steps=5, warmup_fraction=0.5, learning_rate=1.0)) == 0.8


def test_a_linear_rate_ends_just_above_zero() -> None:
    rule = recipe(warmup_fraction=0.0, learning_rate=1.0)
    assert [learning_rate(step, 4, rule) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize("config", [XLMRobertaConfig, XLMRobertaXLConfig])
def test_biases_and_layer_norms_do_not_decay_and_everything_else_does(config) -> None:
    encoder = AutoModel.from_config(config(**SIZES, pad_token_id=1))
    model = TaskModel(encoder, {"toy": SentenceHead(16, 3, 0.0)}, "packed")
    decayed, plain = adamw(model, recipe(weight_decay=0.25)).param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.25, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(p)] for p in plain["params"]} == {
        name for name, parameter in model.named_parameters() if parameter.dim() == 1 and ".pooler." not in name
    }, "in these models exactly the vectors are biases and LayerNorm weights"
    learning = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {names[id(p)] for group in (decayed, plain) for p in group["params"]} == learning
    assert not [name for name in learning if ".pooler." in name]


def test_adamw_has_the_recipe_s_constants() -> None:
    model = torch.nn.Linear(2, 2)
    group = adamw(model, recipe(adam_beta1=0.8, adam_beta2=0.95, adam_epsilon=1e-6)).param_groups[0]
    assert (group["betas"], group["eps"]) == ((0.8, 0.95), 1e-6)
