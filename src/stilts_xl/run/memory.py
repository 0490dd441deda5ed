"""The model that a process made or used last, kept loaded for the next stage that stands on it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Train, key
from stilts_xl.engine.device import layout_for, torch_device
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import TaskModel, load_saved, saved_labels
from stilts_xl.run.start import starting_point
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named


@dataclass(frozen=True)
class Ready:
    """A model that is ready to predict."""

    model: TaskModel
    """With the head of its training; without any where it is a bare encoder."""
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]


class Memory:
    """Holds one model at most: what was trained last, or what predicted last."""

    def __init__(self) -> None:
        self.key = ""
        """Of the training or the bare model that is held; empty for none."""
        self._held: Ready | None = None

    def keep(self, start: Train | Model, loaded: Ready) -> None:
        """Hold the model that a complete training left, or a bare encoder."""
        self.key, self._held = key(start), loaded

    def forget(self) -> None:
        """Hold nothing, as before something else needs the room."""
        self.key, self._held = "", None

    def model(self, start: Train | Model, site: Site) -> Ready:
        """The model to predict with, loaded unless it is held; it is held afterwards."""
        if self._held is None or self.key != key(start):
            self.forget()
            self.keep(start, load_model(start, site))
        assert self._held is not None
        return self._held

    def encoder(self, start: Train | Model, site: Site) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """The encoder to train on from, loaded unless it is held, and its tokenizer; nothing is held afterwards."""
        held = self._held if isinstance(start, Train) and self.key == key(start) else None
        self.forget()
        return (held.model.encoder, held.tokenizer) if held else starting_point(start, site)


def load_model(start: Train | Model, site: Site) -> Ready:
    """The model that a complete Train stage left, or a bare encoder, on the site's device."""
    if site.compute.threads:
        torch.set_num_threads(site.compute.threads)
    encoder, tokenizer = starting_point(start, site)
    device = torch_device(site.compute)
    layout = layout_for(site.compute, device)
    if not isinstance(start, Train):
        return Ready(TaskModel(encoder, {}, layout).to(device), tokenizer, ())
    folder = stage_folder(Path(site.workspace), start)
    labels = task_named(start.data.task).labels or saved_labels(folder)
    return Ready(_with_head(encoder, start, labels, layout, folder).to(device), tokenizer, labels)


def _with_head(
    encoder: PreTrainedModel, trained: Train, labels: tuple[str, ...], layout: str, folder: Path
) -> TaskModel:
    head = KINDS[trained.data.kind].head(encoder, labels)
    model = TaskModel(encoder, {trained.data.task: head}, layout)
    load_saved(model, folder)
    return model
