"""A published encoder's files, fetched at a pinned commit; weights are read from safetensors only."""

from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.data.hub import repository_folder

FILES = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
SUBFOLDERS = "*/*"


def model_folder(repo: str, commit: str, offline: bool) -> Path:
    """The local folder of a model at a commit; what is in the cache already is not fetched again.

    ``offline`` opens no connection. Raises Mistake for an unknown repository or commit, one without safetensors weights,
    and one that is not in the cache while offline; StiltsError where the Hub cannot be reached.
    """
    folder = repository_folder("model", repo, commit, FILES, offline, ignored=[SUBFOLDERS])
    if not (folder / "config.json").is_file():
        raise Mistake(f"model '{repo}' at {commit[:8]}: expected config.json, found none; is it a transformers model?")
    if not any(folder.glob("*.safetensors")):
        raise Mistake(
            f"model '{repo}' at {commit[:8]} has no safetensors weights, and no other format is read\n"
            "name a revision that has them (the Hub's conversion is often at refs/pr/<n>), or a folder with model.path=DIR"
        )
    return folder
