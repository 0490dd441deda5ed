"""A grid in Hydra's sweep grammar to the composed configuration of each of its chains."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cache
from itertools import product
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException

from stilts_xl.config.compose import PATHS, compose_run
from stilts_xl.config.folder import PHASES, config_folder, options
from stilts_xl.core.errors import Mistake, unknown
from stilts_xl.core.recipe import Recipe, Retrieval
from stilts_xl.tasks.catalog import all_tasks

CHAIN = (*PHASES, "seed")
"""Axes that are set in a composed configuration without composing it anew; all others make another composition."""
NO_TASK = ("none", "null", "")
"""Words for a chain without an intermediate task."""
PATTERN = set("*?[")
"""Signs that make a word over task names a pattern."""


@dataclass(frozen=True)
class Point:
    """One chain of a grid."""

    overrides: tuple[str, ...]
    """What would make it alone: stilts run OVERRIDES."""
    composed: Mapping[str, Any]


def expand(overrides: list[str]) -> tuple[Point, ...]:
    """Every combination of the axes' values, the last axis fastest; a chain that comes twice is kept once.

    A setting of a phase goes to the chains that have such a phase: a learning rate not to a target that is only searched,
    a layer not to one that is trained, nothing of an intermediate task to chains without one.

    Raises Mistake for what Hydra's grammar does not know, an unknown study, a pattern that no task matches, two values
    for one axis, and a setting that no chain reads.
    """
    axes = _axes(overrides)
    composed = _composer()
    points: dict[tuple[str, ...], Point] = {}
    for values in product(*axes.values()):
        chain = dict(zip(axes, values, strict=True))
        words = tuple(f"{name}={value}" for name, value in chain.items() if _applies(name, chain))
        if words not in points:
            points[words] = Point(words, composed(words))
    read = {word.partition("=")[0] for words in points for word in words}
    for name in axes:
        if name not in read:
            raise Mistake(f"{name}: no chain of this grid has a phase that reads it\nleave it out")
    return tuple(points.values())


def is_axis(text: str) -> bool:
    """Whether an override makes a grid: a study, a sweep, or a pattern over tasks."""
    name, _, value = text.partition("=")
    if name == "study":
        return True
    if name in PATHS or not value:
        return False
    try:
        sweeps = OverridesParser.create().parse_override(text).is_sweep_override()
    except HydraException:
        return False
    return sweeps or (name in PHASES and bool(set(value) & PATTERN))


def _axes(overrides: list[str]) -> dict[str, list[str]]:
    """Setting -> its values, those of the study first; what is given beside a study replaces its axis."""
    given: dict[str, list[str]] = {}
    study: dict[str, list[str]] = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        if name == "study" and equals:
            study = _study(value)
        elif name in given:
            raise Mistake(f"{name} is given twice; the values of one axis stand together, as in {name}=a,b")
        else:
            given[name] = _values(text)
    return study | given


def _applies(name: str, chain: Mapping[str, str]) -> bool:
    role, _, field = name.partition(".")
    if not field or role not in PHASES:
        return True
    if role == "intermediate":
        return chain.get(role, "none") not in NO_TASK
    target = all_tasks().get(chain.get("target", ""))
    searched, trained = ({one.name for one in fields(cls)} for cls in (Retrieval, Recipe))
    if target is None or field in searched & trained or field not in searched | trained:
        return True
    return (field in trained) == target.learns


def _study(name: str) -> dict[str, list[str]]:
    if name not in options("study"):
        raise unknown("study", name, options("study"))
    plain = yaml.safe_load((config_folder() / "study" / f"{name}.yaml").read_text(encoding="utf-8"))
    return {key: _values(f"{key}={value}") for key, value in plain.items()}


def _values(text: str) -> list[str]:
    """The values of one override: of a sweep all of them, patterns over tasks filled in."""
    name, _, value = text.partition("=")
    if name in PATHS:
        return [value]
    try:
        override = OverridesParser.create().parse_override(text)
        found = list(_listed(override, value))
    except HydraException:
        raise Mistake(
            f"'{text}' is no axis of a grid: expected key=value, key=a,b or key=range(1,4), as in target=xnli,tydiqa"
        ) from None
    return [task for one in found for task in _tasks(name, one)] if name in PHASES else found


def _listed(override: Override, value: str) -> Iterator[str]:
    sweep = override.value()
    if not override.is_sweep_override():
        yield value
    elif isinstance(sweep, Glob):
        excluded = [name for pattern in sweep.exclude for name in _tasks(override.key_or_group, pattern)]
        for pattern in sweep.include:
            yield from (name for name in _tasks(override.key_or_group, pattern) if name not in excluded)
    elif override.is_interval_sweep():
        raise Mistake(
            f"{override.key_or_group}={value}: an interval has no end of values; name them, or use range(1,4)"
        )
    else:
        yield from override.sweep_string_iterator()


def _tasks(role: str, pattern: str) -> list[str]:
    """The tasks of a role that match a pattern: targets in several languages, or English tasks; else the word itself."""
    if not set(pattern) & PATTERN:
        return [pattern]
    known = [
        task.name
        for task in all_tasks().values()
        if task.kind != "mlm" and (len(task.languages) > 1) == (role == "target")
    ]
    found = [name for name in known if fnmatchcase(name, pattern)]
    if not found:
        raise Mistake(f"{role}={pattern}: no task matches; known: {', '.join(known)}")
    return found


def _composer() -> Callable[[tuple[str, ...]], Mapping[str, Any]]:
    """The configuration of a chain's words; chains that differ only in tasks and seed share one, which nobody changes."""
    compose = cache(lambda words: compose_run(list(words)))
    parsed = cache(yaml.safe_load)

    def composed(words: tuple[str, ...]) -> Mapping[str, Any]:
        axes = dict(word.partition("=")[::2] for word in words)
        whole: dict[str, Any] = compose(tuple(word for word in words if word.partition("=")[0] not in CHAIN))
        own = {role: whole[role] | {"task": axes[role]} for role in PHASES if role in axes}
        return whole | own | ({"seed": parsed(axes["seed"])} if "seed" in axes else {})

    return composed
