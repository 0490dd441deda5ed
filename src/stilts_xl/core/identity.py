"""Identity: frozen dataclasses as canonical JSON, the digest of that, and the way back.

Fields marked ``identity: False`` never enter; fields marked ``later: True`` enter only where they differ from their
default, so a knob added to a published class orphans no key. What cannot be pinned (a callable, an open file, any
object without a canonical form) is refused.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from hashlib import sha256
from typing import Any


def canonical(value: Any, whole: bool = False) -> Any:
    """The value as plain JSON data; ``whole`` keeps every field, for records that must be read back."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {f.name: getattr(value, f.name) for f in fields(value) if whole or _counts(f, value)}
        return {"type": type(value).__name__} | {name: canonical(item, whole) for name, item in kept.items()}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} cannot be part of an identity")
        return value + 0.0  # -0.0 equals 0.0, and so must its text
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple | list):
        return [canonical(item, whole) for item in value]
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: canonical(item, whole) for name, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be part of an identity: {value!r}")


def _counts(field: Any, value: Any) -> bool:
    if field.metadata.get("identity") is False:
        return False
    return not (
        field.metadata.get("later") and field.default is not MISSING and getattr(value, field.name) == field.default
    )


def dump(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, text as it is."""
    return json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits."""
    return sha256(dump(value).encode()).hexdigest()


def restore(plain: Any, classes: Mapping[str, type]) -> Any:
    """The value that ``canonical(value, whole=True)`` came from; ``classes`` are those it may name."""
    if isinstance(plain, Mapping):
        parts = {name: restore(item, classes) for name, item in plain.items() if name != "type"}
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
