"""From a stage to a training: how many steps, which batches, and what a tracker is told."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stilts_xl.core.event import Event
from stilts_xl.core.stage import Train, slug
from stilts_xl.run.runner import run_missing
from stilts_xl.run.train import task_plan
from stilts_xl.store.store import stage_folder
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


def trained_by(workspace: Path, *overrides: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights that the intermediate task and then the target left."""
    found = chain(workspace, "intermediate=squad", "target=tydiqa", "target.max_steps=2", "languages=[en]", *overrides)
    target = found.goals[0].model
    assert isinstance(target, Train)
    run_missing((target.start, target), found.site, lambda event: None, lambda: False)
    first, second = (load_file(stage_folder(workspace, one) / "model.safetensors") for one in (target.start, target))
    return first, second


def test_frozen_embeddings_stay_as_they_are_and_the_rest_learns(tmp_path: Path) -> None:
    first, second = trained_by(tmp_path, "target.frozen=embeddings")
    changed = {name for name in first if name in second and not torch.equal(first[name], second[name])}
    still = {name for name in first if ".embeddings." in name}
    assert len(still) == 5
    assert not still & changed
    assert {name for name in first if ".layer.0." in name} <= changed


def test_what_one_stage_froze_the_next_one_learns(tmp_path: Path) -> None:
    first, second = trained_by(tmp_path, "intermediate.frozen=embeddings")
    changed = {name for name in first if name in second and not torch.equal(first[name], second[name])}
    assert {name for name in first if ".embeddings." in name and "token_type" not in name} <= changed


def test_shuffled_labels_teach_something_else_and_only_where_they_were_asked_for(tmp_path: Path) -> None:
    asked, _ = trained_by(tmp_path / "asked", "intermediate.shuffled_labels=true")
    plain, _ = trained_by(tmp_path / "plain")
    only_later, _ = trained_by(tmp_path / "later", "target.shuffled_labels=true")
    assert any(not torch.equal(asked[name], plain[name]) for name in plain)
    assert all(torch.equal(only_later[name], plain[name]) for name in plain)
