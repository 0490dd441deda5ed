"""Prediction: one output a sequence, in the order they came, the same however they are laid out and split."""

import numpy as np
import pytest
import torch
from toy_training import KINDS, sequences, training

from stilts_xl.engine.predict import outputs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
@pytest.mark.parametrize("budget", [1, 64, 10**6])
def test_outputs_do_not_depend_on_layout_and_budget(kind, layout, budget, tmp_path) -> None:
    encoded = sequences(kind=kind)

    def found(layout: str, budget: int) -> list[np.ndarray]:
        model = training(tmp_path, kind=kind, computed={"layout": layout}).model
        return outputs(model, "toy", KINDS[kind].reduce, encoded, layout, budget, False)

    expected = found("padded", 1)
    for one, other, tokens in zip(found(layout, budget), expected, encoded.tokens, strict=True):
        assert one.shape == ((1, 3) if kind == "classify" else (len(tokens), 2))
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_prediction_is_without_dropout_and_leaves_the_model_as_it_was(tmp_path) -> None:
    model, encoded = training(tmp_path, dropout=0.5).model, sequences()
    for learning in (True, False):
        model.train(learning)
        first, second = (
            outputs(model, "toy", KINDS["classify"].reduce, encoded, "packed", 64, False) for _ in range(2)
        )
        assert all((one == other).all() for one, other in zip(first, second, strict=True))
        assert model.training is learning
        assert not any(parameter.grad is not None for parameter in model.parameters())


def test_progress_counts_every_sequence_and_token(tmp_path) -> None:
    encoded, told = sequences(), []
    outputs(
        training(tmp_path).model,
        "toy",
        KINDS["classify"].reduce,
        encoded,
        "packed",
        64,
        False,
        lambda *counts: told.append(counts),
    )
    assert np.sum(told, axis=0).tolist() == [30, int(encoded.lengths.sum())]
    assert len(told) > 1


def test_equal_sequences_get_equal_outputs(tmp_path) -> None:
    encoded = sequences()
    encoded.tokens[20] = encoded.tokens[3]
    found = outputs(training(tmp_path).model, "toy", KINDS["classify"].reduce, encoded, "packed", 10**6, False)
    torch.testing.assert_close(torch.from_numpy(found[20]), torch.from_numpy(found[3]))
