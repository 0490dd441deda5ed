"""The loop learns from whole batches: however they are laid out and split, the losses and the weights are the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, ScalarEvent
from torch.nn.functional import cross_entropy
from toy_training import Run, assert_close, encoder, equal, new_head, sequences, training
from transformers import (
    XLMRobertaForQuestionAnswering,
    XLMRobertaForSequenceClassification,
    get_linear_schedule_with_warmup,
)

from stilts_xl.core.errors import Interrupted, StiltsError
from stilts_xl.core.recipe import Recipe
from stilts_xl.engine.training import Training


@pytest.fixture(scope="module", params=["classify", "span"])
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def reference(kind, tmp_path_factory) -> Run:
    """Each batch padded and in one piece."""
    return Run(training(tmp_path_factory.mktemp(kind), kind=kind, computed={"layout": "padded", "token_budget": 10**6}))


@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
@pytest.mark.parametrize("budget", [1, 50, 10**6])
def test_layout_and_budget_change_no_loss_and_no_weight(layout, budget, kind, reference, tmp_path) -> None:
    found = Run(training(tmp_path, kind=kind, computed={"layout": layout, "token_budget": budget}))
    assert found.losses == pytest.approx(reference.losses, rel=1e-4, abs=1e-5)
    assert_close(found.weights, reference.weights)


def stock_weights(kind: str, given: Training, rule: Recipe) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and weights of a plain PyTorch loop over a stock Hugging Face model: no code of ours but the batches."""
    stock = {"classify": XLMRobertaForSequenceClassification, "span": XLMRobertaForQuestionAnswering}[kind]
    start = encoder(outputs=3 if kind == "classify" else 2)
    model = stock(start.config)
    model.roberta.load_state_dict(start.state_dict(), strict=False)  # stock heads come without the pooler
    head = new_head(kind).state_dict()
    if kind == "classify":
        model.classifier.load_state_dict(head)
    else:
        model.qa_outputs.load_state_dict({name.removeprefix("linear."): t for name, t in head.items()})
    named = dict(model.named_parameters())
    plain = {name for name, parameter in named.items() if parameter.dim() == 1}
    groups = [
        {
            "params": [named[n] for n in named if n not in plain and ".pooler." not in n],
            "weight_decay": rule.weight_decay,
        },
        {"params": [named[n] for n in named if n in plain and ".pooler." not in n], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rule.learning_rate, betas=(0.9, 0.999), eps=rule.adam_epsilon)
    scheduler = get_linear_schedule_with_warmup(optimizer, 2, given.plan.total)
    encoded, losses = given.lessons["toy"].encoded, []
    for step in range(given.plan.total):
        indices = given.plan.at(step)[1]
        loss = torch.zeros(())
        for index in indices.tolist():
            target = torch.from_numpy(encoded.targets[index])
            found = model(torch.from_numpy(encoded.tokens[index]).long()[None])
            if kind == "classify":
                loss = loss + cross_entropy(found.logits, target)
            else:
                loss = loss + cross_entropy(found.start_logits, target[:1]) / 2
                loss = loss + cross_entropy(found.end_logits, target[1:]) / 2
        loss = loss / len(indices)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), rule.max_grad_norm)
        assert norm > rule.max_grad_norm, "otherwise nothing is proved about clipping"
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses, model.state_dict()


def test_a_training_is_that_of_a_plain_loop_clipped_once_a_step(kind, tmp_path) -> None:
    learning = {"max_grad_norm": 0.05, "warmup_steps": 2, "weight_decay": 0.1}
    given = training(tmp_path, kind=kind, computed={"token_budget": 50}, **learning)
    losses, expected = stock_weights(kind, given, given.recipe)
    found = Run(given)
    assert found.losses == pytest.approx(losses, rel=1e-4)
    ours = {name: tensor for name, tensor in found.weights.items() if name in expected}
    assert ours.keys() == expected.keys()
    assert_close(ours, {name: expected[name] for name in ours})


def test_no_bound_leaves_gradients_as_they_are(tmp_path) -> None:
    free, wide = (Run(training(tmp_path / str(bound), max_grad_norm=bound)) for bound in (0.0, 1e9))
    assert equal(free.weights, wide.weights)


def test_the_rates_of_the_steps_are_reported_and_begin_at_zero_in_a_warm_up(tmp_path) -> None:
    found = Run(training(tmp_path, warmup_steps=2, learning_rate=0.01))
    assert found.rates[:3] == pytest.approx([0.0, 0.005, 0.01])
    assert found.rates[-1] == pytest.approx(0.001)
    assert [event.step for event in found.events if event.loss is not None] == list(range(1, 13))


def test_a_step_without_a_rate_changes_nothing_and_the_pooler_never_changes(tmp_path) -> None:
    given = training(tmp_path / "still", warmup_steps=100)
    before = {name: tensor.clone() for name, tensor in given.model.state_dict().items()}
    Run(given)
    moved = {name for name, tensor in given.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved and not [name for name in moved if ".pooler." in name]


def test_tokens_and_steps_are_counted(tmp_path) -> None:
    found = Run(training(tmp_path, steps=8))  # two epochs of 30 sequences, eight a batch
    assert found.outcome.tokens == 2 * sum(len(tokens) for tokens in sequences().tokens)
    assert (found.outcome.steps, found.outcome.planned, found.outcome.kept_step) == (8, 8, 8)
    assert found.outcome.kept_score is None
    assert found.outcome.loss == found.losses[-1]
    assert (found.outcome.device, found.outcome.precision) == ("cpu", "no")


def test_a_loss_that_is_no_number_stops_with_the_step_the_examples_and_the_rate(tmp_path) -> None:
    encoded = sequences()
    encoded.tokens[17][:] = 3  # a token of no other example
    given = training(tmp_path, encoded=encoded, warmup_fraction=0.0)
    given.model.encoder.embeddings.word_embeddings.weight.data[3] = float("nan")
    step = next(step for step in range(12) if 17 in given.plan.at(step)[1])
    with pytest.raises(StiltsError) as caught:
        Run(given)
    text = str(caught.value)
    assert len(text.splitlines()) <= 3
    assert f"the loss is nan at step {step} of 12, learning rate {3e-3 * (12 - step) / 12:.3g}" in text
    assert [f"example-{index}" in text for index in given.plan.at(step)[1]] == [True] * 8


# Selection


class Scores:
    """Validation scores from a list, and the weights that were given for each."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(self, model) -> float:
        self.seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return self.scores[len(self.seen) - 1]


@pytest.mark.parametrize(
    ("scores", "kept"),
    [((10.0, 30.0, 20.0), 8), ((10.0, 20.0, 30.0), 12), ((30.0, 20.0, 30.0), 4), ((0.0, 0.0, 0.0), 4)],
)
def test_the_best_step_s_weights_are_kept_and_the_first_of_equals(scores, kept, tmp_path) -> None:
    validate = Scores(*scores)
    found = Run(training(tmp_path, validate=validate, selection="best", eval_every=4))
    assert len(validate.seen) == 3
    assert (found.outcome.kept_step, found.outcome.kept_score) == (kept, max(scores))
    after = found.training.model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in validate.seen[kept // 4 - 1].items())


@pytest.mark.parametrize(("scores", "kept"), [((3.0, 1.0, 2.0), 8), ((3.0, 2.0, 1.0), 12), ((1.0, 2.0, 1.0), 4)])
def test_of_a_score_that_should_fall_the_lowest_is_kept_also_after_a_stop(scores, kept, tmp_path) -> None:
    settings = {"validate": Scores(*scores), "higher": False, "selection": "best", "eval_every": 4}
    with pytest.raises(Interrupted):
        Run(training(tmp_path, **settings), stop_after=6)
    found = Run(training(tmp_path, **settings))
    assert (found.outcome.kept_step, found.outcome.kept_score) == (kept, min(scores))
    after = found.training.model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in settings["validate"].seen[kept // 4 - 1].items())


def test_patience_counts_validations_in_which_a_loss_does_not_fall(tmp_path) -> None:
    validate = Scores(3.0, 2.0, 2.0, 4.0, 0.0)
    found = Run(training(tmp_path, validate=validate, higher=False, selection="best", eval_every=2, patience=2))
    assert (found.outcome.steps, found.outcome.kept_step) == (8, 4)


def test_the_last_step_is_validated_too(tmp_path) -> None:
    validate = Scores(1.0, 2.0, 3.0)
    found = Run(training(tmp_path, validate=validate, selection="best", eval_every=5))
    assert len(validate.seen) == 3 and found.outcome.kept_step == 12


def test_patience_ends_a_training_that_no_longer_improves(tmp_path) -> None:
    validate = Scores(10.0, 20.0, 19.0, 20.0, 99.0)
    found = Run(training(tmp_path, validate=validate, selection="best", eval_every=2, patience=2))
    assert (found.outcome.steps, found.outcome.planned, found.outcome.kept_step) == (8, 12, 4)
    assert [message for message in found.messages if "best so far" in message] == [
        "validation 10.00 at step 2, the best so far",
        "validation 20.00 at step 4, the best so far",
    ]


def test_validation_changes_nothing_in_what_is_learned(tmp_path) -> None:
    def rising(model) -> float:
        torch.rand(5)
        rising.calls += 1
        return rising.calls

    rising.calls = 0
    watched = Run(training(tmp_path / "a", dropout=0.1, validate=rising, selection="best", eval_every=1))
    alone = Run(training(tmp_path / "b", dropout=0.1))
    assert watched.losses == alone.losses
    assert equal(watched.weights, alone.weights)


def test_old_checkpoints_and_old_best_weights_go_as_new_ones_come(tmp_path) -> None:
    Run(
        training(
            tmp_path, validate=Scores(2.0, 1.0, 3.0), selection="best", eval_every=4, computed={"checkpoint_steps": 2}
        )
    )
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept <= {"best-0000004.safetensors", "best-0000012.safetensors", "checkpoint-0000010"}


def test_dropout_is_drawn_anew_at_every_step(tmp_path) -> None:
    one, same, other = (
        Run(training(tmp_path / name, dropout=0.3, learning_rate=1e-12, seed=seed))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert one.losses == same.losses
    assert equal(one.weights, same.weights)
    assert one.losses != other.losses


# Trackers


def scalars(folder: Path, name: str) -> list[ScalarEvent]:
    """What tensorboard would show for a training's folder."""
    (held,) = {path.parent for path in (folder / "tracking").rglob("events.out.tfevents.*")}
    written = EventAccumulator(str(held))
    written.Reload()
    return written.Scalars(name)


def test_tensorboard_holds_the_loss_and_the_rate_of_every_step(tmp_path) -> None:
    found = Run(training(tmp_path, tracker="tensorboard", validate=Scores(1.0, 2.0), selection="best", eval_every=6))
    for name, values in (("loss", found.losses), ("learning_rate", found.rates)):
        assert [scalar.step for scalar in scalars(tmp_path, name)] == list(range(1, 13))
        np.testing.assert_allclose([scalar.value for scalar in scalars(tmp_path, name)], values, rtol=1e-6)
    assert [(scalar.step, scalar.value) for scalar in scalars(tmp_path, "validation")] == [(6, 1.0), (12, 2.0)]


def test_tensorboard_holds_every_step_of_a_training_that_was_stopped(tmp_path) -> None:
    with pytest.raises(Interrupted):
        Run(training(tmp_path, tracker="tensorboard"), stop_after=5)
    assert [scalar.step for scalar in scalars(tmp_path, "loss")] == [1, 2, 3, 4, 5]
    Run(training(tmp_path, tracker="tensorboard"))
    assert [scalar.step for scalar in scalars(tmp_path, "loss")] == list(range(1, 13))
