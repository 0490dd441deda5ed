"""From a stage to a training: how many steps, which batches, and what a tracker is told."""

from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stilts_xl.core.event import Event
from stilts_xl.core.stage import slug
from stilts_xl.run.runner import run_missing
from stilts_xl.run.train import task_plan
from toys import chain, recipe


@pytest.mark.parametrize(
    ("sequences", "batch_size", "epochs", "max_steps", "steps"),
    [
        (20, 8, 1.0, 0, 3),
        (20, 8, 2.0, 0, 6),
        (20, 8, 2.0, 4, 4),
        (20, 8, 2.0, 9, 6),
        (20, 8, 0.5, 0, 2),
        (5, 8, 0.01, 0, 1),
    ],
)
def test_steps_are_the_epochs_cut_at_max_steps(sequences, batch_size, epochs, max_steps, steps) -> None:
    plan = task_plan("toy", (sequences,), recipe(batch_size=batch_size, epochs=epochs, max_steps=max_steps))
    assert plan.total == steps


def test_every_epoch_of_a_plan_reads_every_sequence_once() -> None:
    plan = task_plan("toy", (20,), recipe(batch_size=8, epochs=2.0, seed=3))
    batches = [plan.at(step) for step in range(plan.total)]
    assert {name for name, _ in batches} == {"toy"}
    for epoch in (0, 1):
        read = np.concatenate([indices for _, indices in batches[3 * epoch : 3 * epoch + 3]])
        assert sorted(read.tolist()) == list(range(20))
    assert batches[0][1].tolist() != batches[3][1].tolist()


def test_a_run_with_tensorboard_leaves_the_loss_of_every_step(tmp_path: Path) -> None:
    found = chain(
        tmp_path, "target=tydiqa", "languages=[en]", "tracker=tensorboard", "target.max_steps=7", "target.epochs=9"
    )
    trained = found.goals[0].model
    events: list[Event] = []
    run_missing((trained,), found.site, events.append, lambda: False)
    (file,) = (tmp_path / "tracking").rglob("events.out.tfevents.*")
    assert slug(trained) in str(file)
    written = EventAccumulator(str(file.parent))
    written.Reload()
    losses = {event.step: event.loss for event in events if event.phase == "train" and event.loss is not None}
    assert list(losses) == list(range(1, 8))
    assert {scalar.step: scalar.value for scalar in written.Scalars("loss")} == pytest.approx(losses)
