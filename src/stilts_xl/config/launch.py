"""The compute section of a composed configuration: how one stage is made, and where all of them are."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from stilts_xl.config.values import build, shaped, typed
from stilts_xl.core.errors import Mistake
from stilts_xl.core.launch import AUTO, Launch, Slurm
from stilts_xl.core.recipe import Compute

LAUNCH = tuple(field.name for field in fields(Launch))


def build_compute(section: Mapping[str, Any]) -> Compute:
    """How one stage is made. Raises Mistake."""
    return build(Compute, {name: value for name, value in section.items() if name not in LAUNCH}, "compute")


def build_launch(section: Mapping[str, Any]) -> Launch:
    """Where the stages are made. Raises Mistake."""
    slurm = build(Slurm, shaped(section["slurm"], dict, "compute.slurm"), "compute.slurm")
    chosen = {name: AUTO for name in ("workers", "gpus") if section[name] == "auto"}
    plain = {name: 0 if name in chosen else section[name] for name in LAUNCH if name != "slurm"}
    for name in ("workers", "gpus"):
        if isinstance(plain[name], str):
            raise Mistake(f"compute.{name}: expected a number or auto, found {plain[name]!r}")
    kinds = {field.name: field.type for field in fields(Launch)}
    checked = {name: typed(value, kinds[name], f"compute.{name}") for name, value in plain.items()}
    return Launch(**(checked | chosen), slurm=slurm)
