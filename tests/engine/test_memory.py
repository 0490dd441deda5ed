"""Where memory runs out the token budget gives way, never the batch; where one sequence is too long, it is said."""

import numpy as np
import pytest
import torch
from toy_training import Run, equal, new_head, sequences, training

from stilts_xl.core.errors import StiltsError
from stilts_xl.engine.predict import outputs
from stilts_xl.kinds import classify
from stilts_xl.model.encoder import TaskModel
from stilts_xl.model.heads import SentenceHead


class SmallMemory(SentenceHead):
    """A head that runs out of memory above so many tokens, as a GPU would."""

    def __init__(self, room: int, dropout: float = 0.0) -> None:
        super().__init__(16, 3, dropout)
        self.load_state_dict(new_head().state_dict())
        self.room = room
        self.refused = 0

    def forward(self, hidden: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        if len(hidden) > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(hidden, starts)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_the_budget_is_halved_and_the_weights_are_those_of_a_small_budget(dropout, tmp_path) -> None:
    small = Run(training(tmp_path / "small", dropout=dropout, computed={"token_budget": 64}))
    head = SmallMemory(room=64, dropout=dropout)
    halved = Run(training(tmp_path / "halved", dropout=dropout, head=head, computed={"token_budget": 256}))
    assert halved.messages == [
        "out of memory: compute.token_budget is now 128; the batch of 8 stays",
        "out of memory: compute.token_budget is now 64; the batch of 8 stays",
    ]
    assert head.refused == 2, "a budget that was too large once is not tried again"
    assert halved.outcome.token_budget == 64
    assert halved.losses == small.losses
    assert equal(halved.weights, small.weights)


def test_memory_that_runs_out_later_halves_the_budget_then(tmp_path) -> None:
    head = SmallMemory(room=10**6)
    given = training(tmp_path, head=head, computed={"token_budget": 256})
    found: list[float] = []

    def shrinking(model: TaskModel) -> float:
        head.room = 100
        found.append(0.0)
        return 1.0

    run = Run(
        training(
            tmp_path, head=head, computed={"token_budget": 256}, validate=shrinking, selection="best", eval_every=5
        )
    )
    steps = [event.step for event in run.events if "out of memory" in event.message]
    assert set(steps) == {5}
    assert run.outcome.steps == given.plan.total


def test_a_sequence_that_does_not_fit_alone_is_an_error_that_says_what_to_try(tmp_path) -> None:
    given = training(tmp_path, head=SmallMemory(room=5))
    longest = max(sequences().lengths[given.plan.at(0)[1]])
    with pytest.raises(StiltsError) as caught:
        Run(given)
    text = str(caught.value)
    assert len(text.splitlines()) <= 3
    assert (
        "out of memory at step 0" in text
        and f"longest sequence {longest}" in text
        and text.endswith("try a shorter max_length")
    )


def test_prediction_halves_what_does_not_fit_and_gives_the_same(tmp_path) -> None:
    encoded = sequences()
    small, large = (training(tmp_path, head=SmallMemory(room=room), encoded=encoded).model for room in (45, 10**6))
    found, expected = (
        outputs(model, "toy", classify.reduce, encoded, "packed", 10**6, False) for model in (small, large)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(torch.OutOfMemoryError):
        outputs(
            training(tmp_path, head=SmallMemory(room=3)).model, "toy", classify.reduce, encoded, "packed", 10**6, False
        )
