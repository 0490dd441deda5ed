"""What a training starts from: an encoder and its tokenizer, from a model or from what another training left."""

from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from stilts_xl.core.errors import Mistake
from stilts_xl.core.recipe import Recipe
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Model, Scratch, Train
from stilts_xl.model.encoder import from_folder, from_scratch, load_tokenizer
from stilts_xl.model.fetch import model_folder
from stilts_xl.run.resolve import tokenizer_folder
from stilts_xl.store.store import stage_folder


def starting_point(start: Model | Train, site: Site) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The encoder that a stage carries on with, its pooler included, and the tokenizer. Raises Mistake."""
    if isinstance(start, Scratch):
        tokenizer = load_tokenizer(tokenizer_folder(site.model))
        return from_scratch(start, tokenizer), tokenizer
    if isinstance(start, Train):
        folder = stage_folder(Path(site.workspace), start)
    elif site.model.path:
        folder = Path(site.model.path)
    else:
        repo, commit = start.source.removeprefix("hub:").split("@")
        folder = model_folder(repo, commit, site.place.offline)
    return from_folder(folder), load_tokenizer(folder)


def require_length(encoder: PreTrainedModel, recipe: Recipe) -> None:
    """Raise Mistake where the recipe's inputs are longer than the encoder has positions for."""
    config = encoder.config
    positions = config.max_position_embeddings - config.pad_token_id - 1
    if recipe.max_length > positions:
        raise Mistake(f"max_length={recipe.max_length} is more than the model's {positions} positions")
