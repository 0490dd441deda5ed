"""Prediction: one output a sequence, in the order they came, the same however they are laid out and split."""

import numpy as np
import pytest
import torch
from toy_training import KINDS, LABELS, OPTIONS, sequences, training

from stilts_xl.engine.predict import outputs
from stilts_xl.kinds.base import Encoded
from toys import recipe


def drawn(kind: str) -> Encoded:
    """The toy sequences; for mlm with something hidden in them."""
    encoded = sequences(kind=kind)
    return KINDS[kind].draw(encoded, np.arange(len(encoded.tokens)), recipe(), 0)


def shape(kind: str, encoded: Encoded, index: int) -> tuple[int, int]:
    """Of what is kept for a sequence: rows, and columns."""
    columns = 2 if kind == "mlm" else LABELS[kind]
    if encoded.chosen is not None:
        return len(encoded.chosen[index]), columns
    return {"classify": 1, "choose": OPTIONS, "span": len(encoded.tokens[index])}[kind], columns


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["packed", "bucketed", "padded"])
@pytest.mark.parametrize("budget", [1, 64, 10**6])
def test_outputs_do_not_depend_on_layout_and_budget(kind, layout, budget, tmp_path) -> None:
    encoded = drawn(kind)

    def found(layout: str, budget: int) -> list[np.ndarray]:
        model = training(tmp_path, kind=kind, computed={"layout": layout}).model
        return outputs(model, "toy", KINDS[kind].reduce, encoded, layout, budget, False)

    expected = found("padded", 1)
    for index, (one, other) in enumerate(zip(found(layout, budget), expected, strict=True)):
        assert one.shape == shape(kind, encoded, index)
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
