"""The YAML files of the configuration, read as they are: which there are, and what stands in one."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

PACKAGE = Path(__file__).parents[1]
PHASES = ("intermediate", "target")
"""The roles of tasks, each with settings of its own in run.yaml."""
STUDY = "study"
"""The folder of named grids; a run has none."""
DEFAULTS = "defaults"
"""What a file begins with, in Hydra's words: another of its folder, or '_self_'; in run.yaml each group's option."""


def config_folder() -> Path:
    """The YAML files: inside the installed package, or beside src in a checkout."""
    inside = PACKAGE / "configs"
    return inside if inside.is_dir() else PACKAGE.parents[1] / "configs"


def options(group: str) -> list[str]:
    """The names a configuration group knows."""
    return sorted(file.stem for file in (config_folder() / group).glob("*.yaml"))


def groups() -> list[str]:
    """The configuration groups, those of the tasks' two roles left out."""
    return sorted(folder.name for folder in config_folder().iterdir() if folder.is_dir() and folder.name != STUDY)


def describe(group: str, name: str) -> str:
    """The comment at the head of an option's file, or where its model comes from."""
    text = (config_folder() / group / f"{name}.yaml").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    if first.startswith("#"):
        return first.lstrip("# ")
    found = re.search(r"^repo: (\S+)", text, re.MULTILINE)
    return f"{found.group(1)} on the Hub" if found else ""


def read_run() -> dict[str, Any]:
    """run.yaml: each group's option under 'defaults', and the settings that belong to no group."""
    plain = _plain("run")
    chosen = [entry for entry in plain[DEFAULTS] if isinstance(entry, Mapping)]
    return {**plain, DEFAULTS: {group: name for entry in chosen for group, name in entry.items()}}


def read_option(group: str, name: str) -> dict[str, Any]:
    """An option's settings, after those of the options that it begins with."""
    plain = _plain(f"{group}/{name}")
    whole: dict[str, Any] = {}
    for other in plain.get(DEFAULTS, ()):
        whole |= {} if other == "_self_" else read_option(group, other)
    return whole | {key: value for key, value in plain.items() if key != DEFAULTS}


@cache
def _plain(name: str) -> Mapping[str, Any]:
    return MappingProxyType(yaml.safe_load((config_folder() / f"{name}.yaml").read_text(encoding="utf-8")))
