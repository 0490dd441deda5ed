"""Raw rows of a Hub copy, from its data files at a pinned commit; no code of a repository is ever fetched or run."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetsError
from huggingface_hub import metadata_load

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.core.task import Hub
from stilts_xl.data.formats import Placed
from stilts_xl.data.hub import reason, repository_folder

CARD = "README.md"
READERS = {
    ".parquet": datasets.Dataset.from_parquet,
    ".jsonl": datasets.Dataset.from_json,
    ".json": datasets.Dataset.from_json,
}


def hub_rows(hub: Hub, config: str, split: str, language: str, commit: str, offline: bool) -> Iterator[Placed]:
    """(place, row) of one split, with 'row' and, for passages, 'paragraph' as the local readers give them."""
    loaded = _table(hub, config, split, commit, offline)
    article, paragraph, title, context = -1, -1, object(), object()
    number = 0
    for index, row in enumerate(loaded):
        if hub.keep is not None and not hub.keep(row, language):
            continue
        if "context" in row:
            if row.get("title") != title:
                article, paragraph, title, context = article + 1, -1, row.get("title"), object()
            if row["context"] != context:
                paragraph, context = paragraph + 1, row["context"]
            row = {**row, "paragraph": f"{article}/{paragraph}"}
        yield f"row {index}", {**row, "row": number}
        number += 1


def _table(hub: Hub, config: str, split: str, commit: str, offline: bool) -> datasets.Dataset:
    """The columns that the task reads.

    Not by ``datasets.load_dataset(repo, revision=commit)``: where the Hub cannot be reached it ignores the revision
    and returns whatever copy was cached last (huggingface/datasets issue 7928).
    """
    part = f"{hub.repo} ({config}, {split})"
    files, published = _files(hub.repo, config, split, commit, offline)
    reader = READERS.get(files[0].suffix)
    if reader is None:
        raise Mistake(f"{part}: expected {', '.join(READERS)} files, found {files[0].name}")
    datasets.disable_progress_bars()
    try:
        loaded = reader([str(file) for file in files])
    except (DatasetsError, OSError, ValueError) as error:
        raise StiltsError(f"{part} cannot be read from {files[0].parent}: {reason(error)}") from None
    if published is not None and len(loaded) != published:
        raise StiltsError(f"{part}: expected {published:,} rows as its card says, found {len(loaded):,}")
    wanted = [column for column in hub.columns if column != "paragraph"]
    absent = [column for column in wanted if column not in loaded.column_names]
    if absent:
        raise Mistake(f"{part}: expected the columns {', '.join(wanted)}, found no '{absent[0]}'")
    return loaded.select_columns([*wanted, *({"title"} & set(loaded.column_names) - set(wanted))])


def _files(repo: str, config: str, split: str, commit: str, offline: bool) -> tuple[list[Path], int | None]:
    """The split's data files in the cache, in order, and the rows that the repository's card counts in them.

    Patterns come from the card, and only ever choose among the files below the repository's own folder.
    """
    folder = repository_folder("dataset", repo, commit, [CARD], offline)
    card = (metadata_load(folder / CARD) or {}) if (folder / CARD).is_file() else {}
    try:
        patterns, published = _patterns(card, config, split), _published_rows(card, config, split)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Mistake(
            f"{repo} at {commit[:8]}: expected 'configs' that list the files of each split in {CARD}"
        ) from None
    if patterns:
        repository_folder("dataset", repo, commit, patterns, offline)
    inside = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = [folder / name for name in inside if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not files:
        raise Mistake(f"{repo} at {commit[:8]} has no data files for the configuration '{config}', split '{split}'")
    return files, published


def _patterns(card: dict[str, Any], config: str, split: str) -> list[str]:
    """The paths that a card's 'configs' gives to a split."""
    found: list[str] = []
    for entry in card.get("configs") or []:
        for part in entry["data_files"] if str(entry["config_name"]) == config else []:
            if part["split"] == split:
                found += [part["path"]] if isinstance(part["path"], str) else part["path"]
    return found


def _published_rows(card: dict[str, Any], config: str, split: str) -> int | None:
    """The number of rows that a card's 'dataset_info' gives to a split; None where it says nothing."""
    infos = card.get("dataset_info") or []
    for info in [infos] if isinstance(infos, dict) else infos:
        if str(info.get("config_name", "default")) == config:
            for part in info.get("splits") or []:
                if part["name"] == split:
                    return int(part["num_examples"])
    return None
