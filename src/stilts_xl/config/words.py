"""The settings that can be typed, and the values they are known to take: what a shell offers for a word half typed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stilts_xl.config.folder import DEFAULTS, PHASES, STUDY, groups, options, read_option, read_run
from stilts_xl.config.values import CHOICES
from stilts_xl.tasks.catalog import all_tasks

VARIANTS = "protocol.variants"
LANGUAGES = ("languages", "train_languages")
"""Settings that hold a list in any call."""
ANY = "…"
"""Stands for a value that only the user knows."""


def completions(word: str, before: Sequence[str], grid: bool) -> list[str]:
    """What a word may become: settings that are not in the words ``before``, each ending in '=', or a setting's values.

    The one setting that fits comes with its values, so that a shell which ends a finished word with a blank goes on behind
    the '='. In a ``grid`` there are studies, and several values with commas between them.
    """
    given = {name: value for name, equals, value in (text.partition("=") for text in before) if equals}
    key, equals, value = word.partition("=")
    if equals:
        return [f"{key}={found}" for found in _completed(key, value, given, grid)]
    names = _settings(given) if "." in key else (*groups(), *PHASES, "languages", "seed", "tracker", *([STUDY] * grid))
    keys = [name for name in names if name.startswith(key) and name not in given]
    if len(keys) != 1:
        return [f"{name}=" for name in keys]
    values = [f"{keys[0]}={found}" for found in _values(keys[0], given, grid)]
    return values if len(values) > 1 else [f"{keys[0]}=", *(values or [f"{keys[0]}={ANY}"])]


def roles(role: str) -> list[str]:
    """The tasks that can take a role, and 'none' where the role may stay empty."""
    tasks = all_tasks().values()
    if role == "target":
        return [task.name for task in tasks if not task.parts]
    return ["none", *(task.name for task in tasks if task.learns)]


def _completed(key: str, value: str, given: Mapping[str, str], grid: bool) -> list[str]:
    """Values that go on from ``value``; in a list the last part of it, with what is in the list already left out."""
    listed = grid or key.rpartition(".")[2] in LANGUAGES
    start = value[: max(value.rfind(sign) for sign in ",[") + 1] if listed else ""
    taken = ["all"] * bool(start) + re.split(r"[,\[]", start)
    return [
        start + found for found in _values(key, given, grid) if (start + found).startswith(value) and found not in taken
    ]


def _values(key: str, given: Mapping[str, str], grid: bool) -> list[str]:
    """The values that a setting is known to take, or else the one that it has."""
    group, _, name = key.rpartition(".")
    if key in PHASES:
        return roles(key)
    if key in groups() or (grid and key == STUDY):
        return options(key)
    if group == VARIANTS:
        return [*(all_tasks()[name].variants if name in all_tasks() else ()), "null"]
    if name in LANGUAGES:
        return _languages(group or "target", name, given)
    if name in CHOICES:
        return list(CHOICES[name])
    value = _settings(given).get(key)
    if value is None and (group in PHASES or key == "seed"):
        value = _published(name, given)
    if isinstance(value, bool):
        return ["true", "false"]
    return [str(value)] if isinstance(value, int | float | str) and value != "" else []


def _languages(role: str, name: str, given: Mapping[str, str]) -> list[str]:
    """Of the tasks that are given for a role, or of all."""
    named = [all_tasks()[one] for one in given.get(role, "").split(",") if one in all_tasks()]
    if name == "train_languages":
        return list(dict.fromkeys(language for task in named for language in task.train_languages))
    known = sorted({language for task in named or all_tasks().values() for language in task.languages})
    return ["all", *known]


def _published(name: str, given: Mapping[str, str]) -> Any:
    """What the protocol says of a phase's setting before its rules."""
    protocol = _option("protocol", given)
    return (protocol["recipe"] | protocol["retrieval"]).get(name)


def _settings(given: Mapping[str, str]) -> dict[str, Any]:
    """Every setting of the options that are given, or else of those that a call has by itself, and what it stands at."""
    run = read_run()
    whole = {name: value for name, value in run.items() if name != DEFAULTS}
    found = dict(_flat({group: _option(group, given) for group in groups()} | whole))
    variants = {f"{VARIANTS}.{task.name}": None for task in all_tasks().values() if task.variants}
    return {name: value for name, value in (found | variants).items() if not name.endswith(".task")}


def _option(group: str, given: Mapping[str, str]) -> dict[str, Any]:
    name = _first(given.get(group, ""))
    return read_option(group, name if name in options(group) else read_run()[DEFAULTS][group])


def _flat(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(setting, value) of a mapping in mappings; a list of mappings is no setting that can be typed."""
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        elif not (isinstance(value, list) and any(isinstance(one, Mapping) for one in value)) and value != []:
            yield f"{path}{name}", value


def _first(value: str) -> str:
    return value.partition(",")[0]
