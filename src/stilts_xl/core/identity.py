"""Identity: frozen dataclasses as canonical JSON, the digest of that, and the way back.

Fields marked ``identity: False`` never enter; fields marked ``later: True`` enter only where they differ from their
default, so a knob added to a published class orphans no key. What cannot be pinned (a callable, an open file, any
object without a canonical form) is refused. A class that much stands on keeps the text of each of its values, with
``canonical_text = cached_property(write)``: frozen all the way down, it can never change.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from hashlib import sha256
from typing import Any

PLAIN = (str, int)
NESTED = (dict, list)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Any, whole: bool = False) -> Any:
    """The value as plain JSON data; ``whole`` keeps every field, for records that must be read back."""
    if value is None or isinstance(value, PLAIN):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept = [(f.name, getattr(value, f.name)) for f in fields(value)] if whole else _counted(value)
        return {"type": type(value).__name__} | {name: canonical(item, whole) for name, item in kept}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} cannot be part of an identity")
        return value + 0.0  # -0.0 equals 0.0, and so must its text
    if isinstance(value, tuple | list):
        return [canonical(item, whole) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: canonical(item, whole) for name, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be part of an identity: {value!r}")


def _counted(value: Any) -> list[tuple[str, Any]]:
    """(name, item) of the fields of a dataclass that enter an identity."""
    cls: Any = type(value)
    found = [(name, getattr(value, name), default) for name, default in _can_count(cls)]
    return [(name, item) for name, item, default in found if default is MISSING or item != default]


@cache
def _can_count(cls: type) -> tuple[tuple[str, Any], ...]:
    """(name, the value that leaves no trace, or MISSING) of the fields that can enter."""
    can = [f for f in fields(cls) if f.metadata.get("identity") is not False]
    return tuple((f.name, f.default if f.metadata.get("later") else MISSING) for f in can)


def dump(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, text as it is."""
    if type(value) is int:
        return str(value)
    return str(value.canonical_text) if _keeps_text(value) else write(value)


def write(value: Any) -> str:
    """The same, whether the value keeps its text or not; what its fields keep is not written again."""
    kept = _counted(value) if is_dataclass(value) and not isinstance(value, type) else []
    if not any(_keeps_text(item) for _, item in kept):
        return ENCODER.encode(canonical(value))
    texts = {"type": f'"{type(value).__name__}"'} | {name: dump(item) for name, item in kept}
    return "{" + ",".join([f'"{name}":{texts[name]}' for name in sorted(texts)]) + "}"


def _keeps_text(value: Any) -> bool:
    return hasattr(type(value), "canonical_text")


def digest(value: Any) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits."""
    return sha256(dump(value).encode()).hexdigest()


def restore(plain: Any, classes: Mapping[str, type]) -> Any:
    """The value that ``canonical(value, whole=True)`` came from; ``classes`` are those it may name."""
    if isinstance(plain, dict):
        parts = {
            name: restore(item, classes) if isinstance(item, NESTED) else item
            for name, item in plain.items()
            if name != "type"
        }
        return classes[plain["type"]](**parts) if "type" in plain else parts
    if isinstance(plain, list):
        return tuple(restore(item, classes) for item in plain)
    return plain


def differences(left: Any, right: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """(path, left, right) of every setting in which two canonical values differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        found = []
        for name in sorted(left.keys() | right.keys()):
            inner = f"{path}.{name}" if path else name
            found += differences(left.get(name), right.get(name), inner)
        return found
    return [] if left == right else [(path, left, right)]
