"""Raw rows of a Hub copy, from its data files at a pinned commit; no code of a repository is ever fetched or run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
from datasets.exceptions import DatasetsError

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.core.place import DataPlace
from stilts_xl.core.task import Hub, Row
from stilts_xl.data.card import CARD, CODE, data_files, listed, read_card
from stilts_xl.data.fetched import fetched_split, require_intact
from stilts_xl.data.hub import reason, repository_folder
from stilts_xl.data.lines import Placed

READERS = {
    ".parquet": datasets.Dataset.from_parquet,
    ".jsonl": datasets.Dataset.from_json,
    ".json": datasets.Dataset.from_json,
}
Prepare = Callable[[list[Row]], list[Row]]
GIVEN = ("row", "file", "paragraph")
"""Columns that rows get here, as the readers of official files give them."""


def hub_rows(hub: Hub, config: str, split: str, language: str, commit: str, place: DataPlace) -> Iterator[Placed]:
    """(place, row) of a split, or of several joined by '+', one after another.

    With data=local the files are those that data fetch left below the root, else those of the Hub's cache. Every row
    has 'row', its number, 'file', which is 0, and for passages 'paragraph', as the readers of official files give them.
    """
    rows = _with_paragraphs(_rows(hub, config, split, language, commit, place))
    if hub.prepare is not None:
        rows = ((f"row {number}", row) for number, row in enumerate(_prepared(hub.prepare, rows, config, split)))
    for number, (where, row) in enumerate(rows):
        yield where, {**row, "row": number, "file": 0}


def _prepared(prepare: Prepare, rows: Iterator[Placed], config: str, split: str) -> list[Row]:
    try:
        return prepare([row for _, row in rows])
    except ValueError as error:
        raise Mistake(f"({config}, {split}): {error}") from None


def _rows(hub: Hub, config: str, split: str, language: str, commit: str, place: DataPlace) -> Iterator[Placed]:
    parts = split.split("+")
    for part in parts:
        for index, row in enumerate(_table(hub, config, part, commit, place)):
            if hub.keep is None or hub.keep(row, language):
                yield f"{part} row {index}" if len(parts) > 1 else f"row {index}", row


def _with_paragraphs(rows: Iterator[Placed]) -> Iterator[Placed]:
    """Rows with a context get 'paragraph', as 'article/paragraph': neighbours with one title, or with one context."""
    article, paragraph, title, context = -1, -1, object(), object()
    for where, row in rows:
        if "context" in row:
            if row.get("title") != title:
                article, paragraph, title, context = article + 1, -1, row.get("title"), object()
            if row["context"] != context:
                paragraph, context = paragraph + 1, row["context"]
            row = {**row, "paragraph": f"{article}/{paragraph}"}
        yield where, row


def _table(hub: Hub, config: str, split: str, commit: str, place: DataPlace) -> datasets.Dataset:
    """The columns that the task reads.

    Not by ``datasets.load_dataset(repo, revision=commit)``: where the Hub cannot be reached it ignores the revision
    and returns whatever copy was cached last (huggingface/datasets issue 7928).
    """
    part = f"{hub.repo} ({config}, {split})"
    files, published = _files(hub.repo, config, split, commit, place)
    datasets.disable_progress_bars()
    try:
        loaded = READERS[files[0].suffix]([str(file) for file in files])
    except (DatasetsError, OSError, ValueError) as error:
        raise StiltsError(f"{part} cannot be read from {files[0].parent}: {reason(error)}") from None
    if published is not None and len(loaded) != published:
        raise StiltsError(f"{part}: expected {published:,} rows as its card says, found {len(loaded):,}")
    wanted = [column for column in hub.columns if column not in GIVEN]
    absent = [column for column in wanted if column not in loaded.column_names]
    if absent:
        raise Mistake(f"{part}: expected the columns {', '.join(wanted)}, found no '{absent[0]}'")
    return loaded.select_columns([*wanted, *({"title"} & set(loaded.column_names) - set(wanted))])


def _files(repo: str, config: str, split: str, commit: str, place: DataPlace) -> tuple[list[Path], int | None]:
    """The split's data files, in order, and the rows that the repository's card counts in them."""
    if place.source == "local":
        files, rows = _below_root(repo, config, split, commit, Path(place.root))
    else:
        files, rows = _in_cache(repo, config, split, commit, place.offline)
    if not files:
        raise Mistake(f"{repo} at {commit[:8]} has no data files for the configuration '{config}', split '{split}'")
    return files, rows


def _in_cache(repo: str, config: str, split: str, commit: str, offline: bool) -> tuple[list[Path], int | None]:
    """From the Hub's cache, where what is missing is fetched."""
    folder = repository_folder("dataset", repo, commit, [CARD], offline)
    said = listed(read_card(folder, repo), repo, config, split)
    if said.patterns:
        repository_folder("dataset", repo, commit, said.patterns, offline, CODE)
    inside = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    names = data_files(inside, said.patterns, f"{repo} ({config}, {split})")
    return [folder / name for name in names], said.rows


def _below_root(repo: str, config: str, split: str, commit: str, root: Path) -> tuple[list[Path], int | None]:
    """From what data fetch left below the data root; every byte is compared with the digest that was kept."""
    found = fetched_split(root, repo, config, split)
    if found is None or found.fetched.commit != commit:
        there = f"commit {found.fetched.commit[:8]}" if found else "none"
        raise Mistake(
            f"{repo} ({config}, {split}): expected commit {commit[:8]} below {root}, found {there}\n"
            "stilts data fetch with its task and data.root fetches it"
        )
    for name in found.names:
        require_intact(found.folder, name, found.fetched)
    return [found.folder / name for name in found.names], found.rows
