"""What a training starts from: an encoder and its tokenizer, from a model or from what another training left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Predict, Rows, Scratch, Stage, Train, origin
from stilts_xl.engine.device import require_tracker, torch_device
from stilts_xl.kinds import mlm
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.kinds.retrieve import layers_of
from stilts_xl.model.encoder import (
    check_weights,
    from_folder,
    from_scratch,
    language_head_weights,
    load_tokenizer,
    read_config,
)
from stilts_xl.run.models import model_folder
from stilts_xl.run.resolve import tokenizer_folder
from stilts_xl.store.store import stage_folder


@dataclass(frozen=True)
class First:
    """What is known of a set of rows after its check."""

    example: Example
    labels: tuple[str, ...]


def starting_point(start: Model | Train, site: Site) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder that a stage carries on with, its pooler included, and the tokenizer. Raises Mistake."""
    if isinstance(start, Train):
        folder = stage_folder(Path(site.workspace), start)
        return from_folder(folder), load_tokenizer(folder)
    folder = _model_files(start, site)
    tokenizer = load_tokenizer(folder)
    return from_scratch(start, tokenizer) if isinstance(start, Scratch) else from_folder(folder), tokenizer


def language_head(start: Model | Train, site: Site) -> dict[str, torch.Tensor]:
    """The nearest language-model head below a training: of a stage that it stands on, or of the chain's model.

    {} where there is none: a model from scratch, or one published without.
    """
    while isinstance(start, Train):
        folder = stage_folder(Path(site.workspace), start)
        if KINDS[start.data.kind] is mlm and (found := language_head_weights(folder)):
            return found
        start = start.start
    return {} if isinstance(start, Scratch) else language_head_weights(_model_files(start, site))


def require_start(todo: Sequence[Stage], first: Mapping[Rows, First], site: Site) -> None:
    """Raise Mistake before anything is made for what would stop one of the missing stages later.

    That is the device, the tracker, the model's kind, weights and positions, a layer that it does not have, and lengths
    that leave no room for the ``first`` example of a training set.
    """
    torch_device(site.compute)
    require_tracker(site.tracker)
    chain = [stage for stage in todo if isinstance(stage, Train)]
    searches = [stage.retrieval for stage in todo if isinstance(stage, Predict) and stage.retrieval]
    if not chain and not searches:
        return
    model = origin(todo[0])
    folder = _model_files(model, site)
    if isinstance(model, Scratch):
        positions, blocks = model.max_positions - 2, model.layers
    else:
        config = read_config(folder)
        check_weights(folder)
        positions = config.max_position_embeddings - config.pad_token_id - 1
        blocks = config.num_hidden_layers
    tokenizer = load_tokenizer(folder)
    for stage in chain:
        _require_positions(stage.data.task, stage.recipe.max_length, positions)
        begun = first[stage.data]
        KINDS[stage.data.kind].encode([begun.example], tokenizer, begun.labels, stage.recipe, training=True)
    for search in searches:
        _require_positions("the target", search.max_length, positions)
        layers_of(search, blocks)


def _require_positions(name: str, max_length: int, positions: int) -> None:
    if max_length > positions:
        raise Mistake(
            f"{name}: max_length={max_length} is more than the model's {positions} positions\n"
            f"try target.max_length={positions}, or intermediate.max_length={positions} where it is that task's"
        )


def _model_files(model: Model, site: Site) -> Path:
    """The folder with a model's tokenizer, and its weights unless they are random."""
    if isinstance(model, Scratch):
        return tokenizer_folder(site.model)
    if site.model.path:
        return Path(site.model.path)
    repo, commit = model.source.removeprefix("hub:").split("@")
    return model_folder(repo, commit, site.place.offline)
