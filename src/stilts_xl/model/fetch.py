"""A published encoder's files, fetched at a pinned commit; weights are read from safetensors only."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

from stilts_xl.core.errors import Mistake, StiltsError

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
    try:
        folder = Path(
            snapshot_download(
                repo,
                revision=commit,
                allow_patterns=list(FILES),
                ignore_patterns=[SUBFOLDERS],
                local_files_only=offline,
            )
        )
    except HFValidationError:
        raise Mistake(
            f"'{repo}' is not the name of a model on the Hub; expected owner/name, or model.path=DIR"
        ) from None
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise Mistake(f"the Hub has no model '{repo}' at commit '{commit}' (or it needs a login)") from None
    except (httpx.HTTPError, OSError) as error:
        raise _unreachable(repo, commit, offline, error) from None
    if not (folder / "config.json").is_file():
        raise Mistake(f"model '{repo}' at {commit[:8]}: expected config.json, found none; is it a transformers model?")
    if not any(folder.glob("*.safetensors")):
        raise Mistake(
            f"model '{repo}' at {commit[:8]} has no safetensors weights, and no other format is read\n"
            "name a revision that has them (the Hub's conversion is often at refs/pr/<n>), or a folder with model.path=DIR"
        )
    return folder


def _unreachable(repo: str, commit: str, offline: bool, error: BaseException) -> StiltsError:
    if offline:
        return Mistake(
            f"--offline, and model '{repo}' at {commit[:8]} is not all in the cache\n"
            "run once without --offline, or use model=mini or model.path=DIR"
        )
    while error.__cause__ is not None:
        error = error.__cause__
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return StiltsError(
        f"model '{repo}' could not be fetched: {reason}\nwithout a network: model=mini or model.path=DIR"
    )
