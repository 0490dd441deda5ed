"""A data repository's card: which of its files hold a split, and how many rows they have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from huggingface_hub import metadata_load

from stilts_xl.core.errors import Mistake

CARD = "README.md"
SUFFIXES = (".parquet", ".jsonl", ".json")
CODE = ("*.py",)
"""Never fetched, whatever a card lists."""


@dataclass(frozen=True)
class Listed:
    """What a card says of one split."""

    patterns: tuple[str, ...]
    """Paths in the repository, with '*'; none where the card does not know the split."""
    rows: int | None
    """None where it does not count them."""


def listed(card: Mapping[str, Any], repo: str, config: str, split: str) -> Listed:
    """The card's words on a split. Raises Mistake for a card that does not list files as the Hub's cards do."""
    try:
        return Listed(tuple(_patterns(card, config, split)), _rows(card, config, split))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _strange(repo) from None


@lru_cache(maxsize=8)
def read_card(folder: Path, repo: str) -> Mapping[str, Any]:
    """The metadata of a card; read once a process, as long cards take a second.

    ``folder`` holds one commit of the repository, and so never another card. Raises Mistake where there is none.
    """
    if not (folder / CARD).is_file():
        raise _strange(repo)
    try:
        found: Mapping[str, Any] = metadata_load(folder / CARD) or {}
    except (ValueError, yaml.YAMLError):
        raise _strange(repo) from None
    return found


def data_files(paths: Iterable[str], patterns: Iterable[str], part: str) -> list[str]:
    """The paths that a split's patterns choose, in order; [] where none does.

    Patterns only ever choose among the paths. Raises Mistake, naming the ``part``, for files that cannot be read as
    tables of one format.
    """
    wanted = tuple(patterns)
    chosen = sorted(path for path in paths if _matches(path, wanted) and path != CARD and not _matches(path, CODE))
    formats = {PurePosixPath(path).suffix: path for path in chosen}
    strange = [path for suffix, path in formats.items() if suffix not in SUFFIXES]
    if strange:
        raise Mistake(f"{part}: expected {', '.join(SUFFIXES)} files, found {PurePosixPath(strange[0]).name}")
    if len(formats) > 1:
        raise Mistake(f"{part}: expected files of one format, found {' and '.join(formats.values())}")
    return chosen


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _strange(repo: str) -> Mistake:
    return Mistake(f"{repo}: expected 'configs' that list the files of each split in {CARD}")


def _patterns(card: Mapping[str, Any], config: str, split: str) -> list[str]:
    """The paths that a card's 'configs' gives to a split."""
    found: list[str] = []
    for entry in card.get("configs") or []:
        for part in entry["data_files"] if str(entry["config_name"]) == config else []:
            if part["split"] == split:
                found += [part["path"]] if isinstance(part["path"], str) else part["path"]
    return found


def _rows(card: Mapping[str, Any], config: str, split: str) -> int | None:
    """The number of rows that a card's 'dataset_info' gives to a split; None where it says nothing."""
    infos = card.get("dataset_info") or []
    for info in [infos] if isinstance(infos, dict) else infos:
        if str(info.get("config_name", "default")) == config:
            for part in info.get("splits") or []:
                if part["name"] == split:
                    return int(part["num_examples"])
    return None
