"""What a training starts from: an encoder and its tokenizer, from a model or from what another training left."""

from collections.abc import Mapping
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Data, Model, Scratch, Train, origin
from stilts_xl.engine.device import require_tracker, torch_device
from stilts_xl.kinds.catalog import KINDS
from stilts_xl.model.encoder import check_weights, from_folder, from_scratch, load_tokenizer, read_config
from stilts_xl.run.models import model_folder
from stilts_xl.run.resolve import tokenizer_folder
from stilts_xl.store.store import stage_folder
from stilts_xl.tasks.catalog import task_named


def starting_point(start: Model | Train, site: Site) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder that a stage carries on with, its pooler included, and the tokenizer. Raises Mistake."""
    if isinstance(start, Train):
        folder = stage_folder(Path(site.workspace), start)
        return from_folder(folder), load_tokenizer(folder)
    folder = _model_files(start, site)
    tokenizer = load_tokenizer(folder)
    return from_scratch(start, tokenizer) if isinstance(start, Scratch) else from_folder(folder), tokenizer


def require_start(chain: list[Train], first: Mapping[Data, Example], site: Site) -> None:
    """Raise Mistake before the first training for what would stop one of a chain's trainings later.

    That is the device, the tracker, the model's kind, weights and positions, and lengths that leave no room for the
    ``first`` example of a training set.
    """
    torch_device(site.compute)
    require_tracker(site.tracker)
    if not chain:
        return
    model = origin(chain[0])
    folder = _model_files(model, site)
    if isinstance(model, Scratch):
        positions = model.max_positions - 2
    else:
        config = read_config(folder)
        check_weights(folder)
        positions = config.max_position_embeddings - config.pad_token_id - 1
    tokenizer = load_tokenizer(folder)
    for stage in chain:
        task, recipe = task_named(stage.data.task), stage.recipe
        if recipe.max_length > positions:
            raise Mistake(
                f"{task.name}: max_length={recipe.max_length} is more than the model's {positions} positions\n"
                f"try target.max_length={positions}, or intermediate.max_length={positions} where it is that task's"
            )
        KINDS[task.kind].encode([first[stage.data]], tokenizer, task.labels, recipe, training=True)


def _model_files(model: Model, site: Site) -> Path:
    """The folder with a model's tokenizer, and its weights unless they are random."""
    if isinstance(model, Scratch):
        return tokenizer_folder(site.model)
    if site.model.path:
        return Path(site.model.path)
    repo, commit = model.source.removeprefix("hub:").split("@")
    return model_folder(repo, commit, site.place.offline)
