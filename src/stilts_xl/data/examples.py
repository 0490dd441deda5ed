"""Checked examples: every row of a split becomes an example or an error that names file, line and fault."""

from dataclasses import dataclass
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, PairExample, SpanExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Row, Task, ToExample
from stilts_xl.data.formats import Placed, read
from stilts_xl.data.hub_rows import hub_rows
from stilts_xl.data.sources import Absent, absent_file, hub_copy, hub_part, locate


@dataclass(frozen=True)
class Loaded:
    """A split after its checks."""

    examples: tuple[Example, ...]
    origin: str
    """The file, or the Hub's repository, configuration and split."""
    rows: int
    """Raw rows, before the official exclusions and the limit."""
    excluded: int
    """Rows that the official set leaves out (no majority label)."""
    moved: int
    """Answers found elsewhere than their offset said."""
    unlabelled: int


def load(task: Task, data: Data, place: DataPlace) -> Loaded:
    """All examples of a split, or a Mistake; nothing is skipped silently.

    Raises Mistake for an absent file, a broken row, a label or answer that cannot be right, an empty split, an id that
    occurs twice in a split to be predicted, or training rows in other languages than they should be.
    """
    origin, placed, to_example = _open(task, data, place)
    examples: list[Example] = []
    raw: list[Row] = []
    moved = 0
    for where, row in placed:
        raw.append(row)
        example = to_example(row, data.language)
        if example is not None:
            _check(task, data.split, example, origin, where)
            moved += _moved(row, example)
            examples.append(example)
    if not examples:
        raise Mistake(f"{origin}: expected {task.name} {data.split} rows, found none")
    if data.split == "train" and task.check_train is not None and (wrong := task.check_train(data.language, raw)):
        raise Mistake(f"{origin}: expected {task.name} training questions in '{data.language}' only, found {wrong}")
    if data.split != "train":
        _check_ids(examples, origin)
    kept = tuple(examples[: data.limit] if data.limit else examples)
    blank = sum(_is_unlabelled(example) for example in kept)
    return Loaded(kept, origin, len(raw), len(raw) - len(examples), moved, blank)


def _open(task: Task, data: Data, place: DataPlace) -> tuple[str, list[Placed], ToExample]:
    if place.source == "hub":
        hub = hub_copy(task, data.split)
        config, split = hub_part(hub, data.split, data.language)
        commit = data.source.removeprefix(f"hub:{hub.repo}@").split("/", 1)[0]
        placed = list(hub_rows(hub, config, split, data.language, commit, place.offline))
        return f"{hub.repo} ({config}, {split})", placed, hub.example
    found = locate(task, data.split, data.language, Path(place.root))
    if isinstance(found, Absent):
        raise absent_file(task, data.split, found, place.root)
    return str(found.path), list(read(found.path, found.layout)), found.layout.example


def _check(task: Task, split: str, example: Example, origin: str, where: str) -> None:
    place = f"{origin}, {where}"
    if isinstance(example, PairExample):
        if example.label is None and split == "train":
            raise Mistake(f"{place}: expected a label, found none")
        if example.label is not None and example.label not in task.labels:
            raise Mistake(f"{place}: expected a label of {', '.join(task.labels)}, found {example.label!r}")
        strange = [text for text in (example.text_a, example.text_b) if not isinstance(text, str)]
        if strange:
            raise Mistake(f"{place}: expected two texts, found {strange[0]!r}")
        if not example.text_a.strip() and not example.text_b.strip():
            raise Mistake(f"{place}: expected two texts, found both empty")
    else:
        if split == "train" and not example.answers:
            raise Mistake(f"{place} (id {example.id}): expected an answer, found none")
        lost = [answer.text for answer in example.answers if answer.start < 0]
        if lost:
            raise Mistake(
                f"{place} (id {example.id}): expected the answer in its context, found {lost[0]!r} nowhere in it"
            )


def _check_ids(examples: list[Example], origin: str) -> None:
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise Mistake(f"{origin}: expected ids that occur once, found '{example.id}' twice")
        seen.add(example.id)


def _moved(row: Row, example: Example) -> int:
    if not isinstance(example, SpanExample):
        return 0
    stated = [start for text, start in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True) if text]
    return sum(start != answer.start for start, answer in zip(stated, example.answers, strict=True))


def _is_unlabelled(example: Example) -> bool:
    return example.label is None if isinstance(example, PairExample) else not example.answers
