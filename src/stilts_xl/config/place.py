"""The data section of a composed configuration: where examples are read from, and where sample data are kept."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stilts_xl.config.values import build, typed
from stilts_xl.core.errors import Mistake
from stilts_xl.core.place import DataPlace, Sample
from stilts_xl.data.sample import sample_name

LOCK = "hub-lock.json"
PLACE = ("source", "root")
"""Settings of every source of data; the rest is what sample data are made from."""


def build_place(section: Mapping[str, Any], workspace: str, offline: bool) -> DataPlace:
    """Where data are. Raises Mistake where data=local has no root, or it is not a folder. Nothing is written."""
    source = typed(section["source"], str, "data.source")
    root = typed(section["root"] or "", str, "data.root")
    if source != "local" and root:
        raise Mistake(
            f"data.root={root} is read with data=local only, and data is {source}\nadd data=local, or leave data.root out"
        )
    lock = str(Path(workspace) / LOCK)
    if source == "sample":
        sample = build(Sample, {name: value for name, value in section.items() if name not in PLACE}, "data")
        return DataPlace(source, str(cache_folder() / sample_name(sample)), lock, offline, sample)
    return DataPlace(source, _root(root) if source == "local" else "", lock, offline)


def _root(root: str) -> str:
    if not root:
        raise Mistake("data=local needs data.root=DIR, the folder of official downloads in XTREME's layout")
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        raise Mistake(
            f"data.root={folder} is not a folder\ngive the folder of official downloads in XTREME's layout, or use data=sample"
        )
    return str(folder)


def cache_folder() -> Path:
    """Where sample data are kept: $STILTS_CACHE, else stilts-xl below $XDG_CACHE_HOME, else below ~/.cache."""
    try:
        if own := os.environ.get("STILTS_CACHE"):
            return Path(own).expanduser().resolve()
        shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (shared if shared.is_absolute() else Path.home() / ".cache") / "stilts-xl"
    except RuntimeError:  # a user without a home folder, as containers have them
        raise Mistake(
            "there is no home folder to keep sample data in\nSTILTS_CACHE=DIR names a folder for them"
        ) from None
