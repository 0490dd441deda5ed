"""Checked examples: every row of a split becomes an example or an error that names file, line and fault."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, SentenceExample, SpanExample, TagExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data, Mixture
from stilts_xl.core.task import Row, Task, ToExample
from stilts_xl.data.checks import Expected, fault, fault_of_split, unlabelled
from stilts_xl.data.formats import read, rows_of_split
from stilts_xl.data.hub_rows import hub_rows
from stilts_xl.data.lines import LEFT_OUT, Placed, broken, json_of, text_of
from stilts_xl.data.sample import root_of
from stilts_xl.data.sources import Absent, absent_file, hub_copy, hub_part, locate
from stilts_xl.tasks.catalog import task_named


@dataclass(frozen=True)
class Loaded:
    """A split after its checks."""

    examples: tuple[Example, ...]
    origin: str
    """The first file or the Hub's repository, configuration and split, and how many more there are."""
    rows: int
    """Raw rows, before the official exclusions and the limit."""
    excluded: int
    """Rows that the official set leaves out (no majority label, withheld text)."""
    moved: int
    """Answers found elsewhere than their offset said."""
    unlabelled: int
    labels: tuple[str, ...]
    """The task's; or those of its label file, in that order; or the sorted tags of training rows; else empty."""
    parts: tuple[int, ...]
    """How many examples each part has; a single set of rows is one part."""


@dataclass(frozen=True)
class _Opened:
    """Rows on their way, and what is known of them."""

    origin: str
    placed: Iterator[Placed]
    """Each place is complete: it names the file, or the Hub's split."""
    example: ToExample
    labels: tuple[str, ...]


def load_rows(data: Data | Mixture, place: DataPlace) -> Loaded:
    """The examples of a set of rows, or of all parts of a mixture one after another.

    In a mixture ids and clusters begin with 'task/', or with 'language/' where the parts differ in that alone. A limit
    holds for each part. Raises Mistake as ``load`` does, and where the parts' labels differ.
    """
    if isinstance(data, Data):
        return load(task_named(data.task), data, place)
    loaded = [load(task_named(part.task), part, place) for part in data.parts]
    one_task = len({part.task for part in data.parts}) == 1
    if strange := [part for part in loaded if part.labels != loaded[0].labels]:
        raise Mistake(
            f"the parts of {data.task} must share their labels: {loaded[0].origin} has {', '.join(loaded[0].labels)}; "
            f"{strange[0].origin} has {', '.join(strange[0].labels)}"
        )
    examples: list[Example] = []
    for part, rows in zip(data.parts, loaded, strict=True):
        prefix = part.language if one_task else part.task
        examples += [
            replace(example, id=f"{prefix}/{example.id}", cluster=f"{prefix}/{example.cluster}")
            for example in rows.examples
        ]
    return Loaded(
        tuple(examples),
        _first_of([part.origin for part in loaded]),
        rows=sum(part.rows for part in loaded),
        excluded=sum(part.excluded for part in loaded),
        moved=sum(part.moved for part in loaded),
        unlabelled=sum(part.unlabelled for part in loaded),
        labels=loaded[0].labels,
        parts=tuple(len(part.examples) for part in loaded),
    )


def load(task: Task, data: Data, place: DataPlace) -> Loaded:
    """All examples of a split, or a Mistake; nothing is skipped silently.

    Raises Mistake for an absent file, a broken row, a label or answer that cannot be right, an empty split, an id that
    occurs twice in a split to be predicted, or training rows in other languages than they should be.
    """
    opened = _open(task, data, place)
    train = data.split == "train"
    examples, raw, moved = _checked(task, data, opened)
    if not examples:
        raise Mistake(f"{opened.origin}: expected {task.name} {data.split} rows, found none")
    own = [row for row in raw if LEFT_OUT not in row]
    if train and task.check_train is not None and (strange := task.check_train(data.language, own)):
        raise Mistake(f"{opened.origin}: expected {task.name} training rows in '{data.language}', found {strange}")
    if wrong := fault_of_split(examples, train):
        raise Mistake(f"{opened.origin}: {wrong}")
    kept = _limited(examples, data.limit)
    return Loaded(
        kept,
        opened.origin,
        rows=len(raw),
        excluded=len(raw) - len(examples),
        moved=moved,
        unlabelled=sum(unlabelled(example) for example in kept),
        labels=opened.labels or (_tags(examples) if train else ()),
        parts=(len(kept),),
    )


def _checked(task: Task, data: Data, opened: _Opened) -> tuple[list[Example], list[Row], int]:
    """(examples, raw rows, answers that were moved), each example looked at by itself."""
    change = task.variants[data.variant] if data.variant else None
    examples: list[Example] = []
    raw: list[Row] = []
    expected: Expected | None = None
    moved = 0
    for where, row in opened.placed:
        raw.append(row)
        example = None if LEFT_OUT in row else _example(opened.example, change, row, data.language, where)
        if example is not None:
            expected = expected or Expected(opened.labels, data.split == "train", example)
            if wrong := fault(example, expected):
                raise Mistake(f"{where}: {wrong}")
            moved += _moved(row, example)
            examples.append(example)
    return examples, raw, moved


def _open(task: Task, data: Data, place: DataPlace) -> _Opened:
    if data.source.startswith("hub:"):
        hub = hub_copy(task, data.split)
        config, split = hub_part(hub, data.split, data.language)
        commit = data.source.removeprefix(f"hub:{hub.repo}@").split("/", 1)[0]
        origin = f"{hub.repo} ({config}, {split})"
        placed = hub_rows(hub, config, split, data.language, commit, place)
        return _Opened(origin, ((f"{origin}, {where}", row) for where, row in placed), hub.example, task.labels)
    found = locate(task, data.split, data.language, root_of(place))
    if isinstance(found, Absent):
        raise absent_file(task, data.split, found, place)
    rows = rows_of_split(read(found.paths, found.layout), data.split, found.layout.held_out)
    several = len(found.paths) > 1
    placed = ((where if several else f"{found.paths[0]}, {where}", row) for where, row in rows)
    labels = task.labels if found.labels is None else _listed_labels(found.labels)
    return _Opened(_first_of([str(path) for path in found.paths]), placed, found.layout.example, labels)


def _first_of(names: Sequence[str]) -> str:
    """A short name for several: the first one, and how many more there are."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _listed_labels(path: Path) -> tuple[str, ...]:
    """The labels of a label file: a JSON list, or an object label -> number, in the order of the numbers."""
    listed = json_of(path, text_of(path))
    if isinstance(listed, dict) and all(isinstance(number, int) for number in listed.values()):
        listed = sorted(listed, key=lambda label: listed[label])
    if not isinstance(listed, list) or not listed or not all(isinstance(label, str) for label in listed):
        raise broken(path, "line 1", "a list of labels, or an object label -> number", json.dumps(listed)[:60])
    if len(set(listed)) != len(listed):
        raise broken(path, "line 1", "labels that occur once", "one of them twice")
    return tuple(listed)


def _example(
    to_example: ToExample, change: Callable[[Row], Row] | None, row: Row, language: str, where: str
) -> Example | None:
    """What the task makes of a row, or of its variant; whatever its functions cannot digest is the row's fault."""
    try:
        return to_example(change(row) if change else row, language)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise Mistake(f"{where}: expected a row of the official schema, found {found}") from error


def _limited(examples: Sequence[Example], limit: int) -> tuple[Example, ...]:
    """The first examples. Of a search: the first queries, as many candidates, and all translations of those queries."""
    if not limit:
        return tuple(examples)
    queries = [example for example in examples if isinstance(example, SentenceExample) and example.query][:limit]
    if not queries:
        return tuple(examples[:limit])
    needed = {name for query in queries for name in query.gold or ()}
    candidates = [example for example in examples if isinstance(example, SentenceExample) and not example.query]
    return (*queries, *(example for rank, example in enumerate(candidates) if rank < limit or example.id in needed))


def _tags(examples: Sequence[Example]) -> tuple[str, ...]:
    return tuple(sorted({tag for one in examples if isinstance(one, TagExample) for tag in one.tags or ()}))


def _moved(row: Row, example: Example) -> int:
    if not isinstance(example, SpanExample):
        return 0
    stated = [start for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True) if text]
    return sum(start != answer.start for start, answer in zip(stated, example.answers, strict=True))
