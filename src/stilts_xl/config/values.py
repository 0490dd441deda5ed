"""Plain mappings to frozen values, with errors that name the setting."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar

from stilts_xl.core.errors import Mistake, unknown

T = TypeVar("T")
S = TypeVar("S", bound="list[Any] | dict[str, Any]")

CHOICES = {
    "precision": ("fp32", "bf16"),
    "selection": ("best", "last"),
    "schedule": ("linear", "constant"),
    "device": ("auto", "cpu", "cuda"),
    "layout": ("auto", "packed", "bucketed", "padded"),
    "tracker": ("none", "tensorboard", "wandb", "mlflow"),
    "validate_on": ("training_task", "target_task"),
    "split": ("validation", "test"),
    "source": ("hub", "local", "sample"),
    "pooling": ("mean", "cls"),
    "launcher": ("local", "ray", "slurm"),
    "frozen": ("none", "embeddings"),
}
AT_LEAST_ONE = {
    "batch_size", "max_length", "eval_every", "stride", "max_query_length", "max_answer_length", "n_best", "processes",
    "checkpoint_steps", "minutes", "cpus", "at_once", "hidden_size", "layers", "heads", "intermediate_size", "neighbours",
    "train", "validation", "test", "text",
}  # fmt: skip
POSITIVE = {"learning_rate", "epochs", "adam_epsilon", "mask_probability"}
FRACTIONS = {"warmup_fraction", "dropout", "mask_probability"}
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
SIGNED = {"no_answer_threshold", "layer"}
"""Numbers that may be below zero."""


def build(cls: type[T], section: Mapping[str, Any], where: str) -> T:
    """A frozen dataclass from a mapping with exactly its fields. Raises Mistake naming ``where.field``."""
    values = tuple(section.values())
    nested = any(isinstance(value, list | dict) for value in values)
    make: Callable[..., T] = _built.__wrapped__ if nested else _built
    return make(cls, where, tuple(section), *values)


@lru_cache(maxsize=1024, typed=True)
def _built(cls: Any, where: str, names: tuple[str, ...], *values: Any) -> Any:
    """One value for equal settings: the thousands of chains of a grid have a few hundred recipes."""
    section = dict(zip(names, values, strict=True))
    known = {field.name: field.type for field in fields(cls)}
    for name in section:
        if name not in known:
            raise unknown("setting", f"{where}.{name}", [f"{where}.{inner}" for inner in known])
    absent = sorted(known.keys() - section.keys())
    if absent:
        raise Mistake(f"{where}.{absent[0]} is not set; stilts run --cfg shows the composed configuration")
    return cls(**{name: typed(section[name], known[name], f"{where}.{name}") for name in known})


def shaped(value: Any, kind: type[S], name: str) -> S:
    """The value as a list or a mapping. Raises Mistake."""
    if not isinstance(value, kind):
        wanted = "a list" if kind is list else "a mapping"
        raise Mistake(f"{name}: expected {wanted}, found {value!r}; stilts run --cfg shows the composed configuration")
    return value


def typed(value: Any, kind: Any, name: str) -> Any:
    """The value as int, float, str or bool, within the setting's bounds. Raises Mistake."""
    if kind is float and type(value) is int:
        value = float(value)
    if kind is str and type(value) in (int, float):
        value = str(value)
    if type(value) is not kind:
        raise Mistake(f"{name}: expected {WORDS[kind]}, found {value!r}")
    _bounded(value, name)
    return value


def _bounded(value: Any, name: str) -> None:
    field = name.rpartition(".")[2]
    if field in CHOICES and value not in CHOICES[field]:
        raise unknown(name, str(value), CHOICES[field])
    if type(value) in (int, float):
        if field in AT_LEAST_ONE and value < 1:
            raise Mistake(f"{name}: expected 1 or more, found {value}")
        if field in POSITIVE and not value > 0:
            raise Mistake(f"{name}: expected more than 0, found {value}")
        if field in FRACTIONS and not 0 <= value <= 1:
            raise Mistake(f"{name}: expected a share between 0 and 1, found {value}")
        if not 0 <= value < float("inf") and not (field in SIGNED and math.isfinite(value)):
            bound = "" if field in SIGNED else " that is not negative"
            raise Mistake(f"{name}: expected a finite number{bound}, found {value}")
        if field == "layer" and value < -1:
            raise Mistake(f"{name}: expected a layer's number, or -1 for the protocol's depth, found {value}")
