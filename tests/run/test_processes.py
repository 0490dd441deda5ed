"""Two processes learn what one learns, stop where they can go on, and fail with the words of the one that failed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stilts_xl.core.errors import Interrupted, StiltsError
from stilts_xl.core.event import Event
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Mixture, Train
from stilts_xl.run.memory import Memory
from stilts_xl.run.processes import make_training_together
from stilts_xl.run.train import make_training
from stilts_xl.store.store import completed, stage_folder
from toys import chain

STEPS = 80
FEW_STEPS = 8
LEARNING = (
    "languages=[en]", "model.dropout=0.0", "target.epochs=20", "target.batch_size=4", "target.adam_epsilon=1e-4",
    "compute.checkpoint_steps=10", "compute.threads=1",
)  # fmt: skip


class Job:
    """One training in a workspace of its own, in any number of processes."""

    def __init__(
        self, workspace: Path, processes: int, *overrides: str, target: str = "tydiqa", steps: int = STEPS
    ) -> None:
        asked = (f"target={target}", f"target.max_steps={steps}", f"compute.processes={processes}")
        found = chain(workspace, *LEARNING, *asked, *overrides)
        self.stage: Train = found.goals[0].model
        self.site: Site = found.site
        self.events: list[Event] = []

    def run(self, stopping: Callable[[], bool] = lambda: False) -> "Job":
        if self.site.compute.processes == 1:
            make_training(self.stage, self.site, Memory(), self.events.append, stopping)
        else:
            make_training_together(self.stage, self.site, self.events.append, stopping)
        return self

    @property
    def losses(self) -> list[float]:
        return [event.loss for event in self.events if event.phase == "train" and event.loss is not None]

    @property
    def folder(self) -> Path:
        return stage_folder(Path(self.site.workspace), self.stage)

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / "model.safetensors")

    def checkpoints(self) -> list[int]:
        return [int(path.name[-7:]) for path in self.folder.glob("checkpoint-???????")]


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(
            one[name], other[name], rtol=1e-4, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Job:
    return Job(tmp_path_factory.mktemp("alone"), 1).run()


def test_two_processes_have_the_losses_and_the_weights_of_one(alone, tmp_path) -> None:
    together = Job(tmp_path, 2).run()
    assert together.stage == alone.stage
    assert len(together.losses) == STEPS
    assert together.losses == pytest.approx(alone.losses, rel=1e-4, abs=1e-5)
    close(together.weights, alone.weights)
    one, other = (completed(Path(job.site.workspace), job.stage) for job in (alone, together))
    assert one is not None and other is not None
    for fact in ("steps", "tokens", "examples", "sequences", "kept_step"):
        assert one.facts[fact] == other.facts[fact]


def test_two_processes_learn_masked_text_of_several_languages_as_one_does(tmp_path) -> None:
    alone, together = (
        Job(tmp_path / str(processes), processes, "target.alpha=0.3", target="mlm", steps=FEW_STEPS).run()
        for processes in (1, 2)
    )
    assert together.stage == alone.stage
    assert isinstance(alone.stage.data, Mixture) and len(alone.stage.data.parts) > 1
    assert len(together.losses) == FEW_STEPS
    assert together.losses == pytest.approx(alone.losses, rel=1e-4, abs=1e-5)
    close(together.weights, alone.weights)


def worker(rank: int) -> int:
    """The process id of this process's worker of a rank."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == str(os.getpid()) and f"RANK={rank}".encode() in environment:
            return int(folder.name)
    raise AssertionError(f"no worker of rank {rank}")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds its workers in /proc")
def test_what_was_stopped_and_what_died_goes_on_to_the_same_weights(alone, tmp_path) -> None:
    stopped = Job(tmp_path, 2)
    with pytest.raises(Interrupted, match="stopped after step"):
        stopped.run(lambda: len(stopped.losses) >= 3)
    (step,) = stopped.checkpoints()
    assert 3 <= step < STEPS and step == len(stopped.losses)

    killed, asked = Job(tmp_path, 2), []

    def kill() -> bool:
        if killed.losses and not asked:
            asked.append(os.kill(worker(1), signal.SIGKILL))
        return False

    with pytest.raises(StiltsError) as caught:
        killed.run(kill)
    text = str(caught.value)
    assert "process 1" in text and "killed" in text and "the same command goes on" in text
    assert len(text.splitlines()) <= 3

    resumable = max([step, *killed.checkpoints()])
    finished = Job(tmp_path, 2).run()
    assert f"resuming at step {resumable}" in [event.message for event in finished.events]
    close(finished.weights, alone.weights)


def test_a_worker_s_error_is_this_process_s_error(tmp_path) -> None:
    diverging = Job(tmp_path, 2, "target.learning_rate=1e30", "target.max_grad_norm=0")
    began = time.monotonic()
    with pytest.raises(StiltsError, match="the loss is (nan|inf) at step") as caught:
        diverging.run()
    assert len(str(caught.value).splitlines()) <= 3
    assert "examples of the batch: " in str(caught.value)
    assert time.monotonic() - began < 60
