"""The commands that asked for runs: what to type again, and which runs each of them wants."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from stilts_xl.store.files import write_atomically


@dataclass(frozen=True)
class Call:
    """One command."""

    words: tuple[str, ...]
    """As typed, the program's name first."""
    runs: tuple[str, ...]
    """Names of the files of the runs that it asked for."""


def keep_call(workspace: Path, call: Call) -> None:
    """Remember a command; the same command again is the same file."""
    name = sha256(json.dumps(call.words).encode()).hexdigest()[:12]
    write_atomically(workspace / "calls" / f"{name}.json", json.dumps(asdict(call), ensure_ascii=False))


def kept_calls(workspace: Path) -> tuple[Call, ...]:
    """Every command that asked something of the workspace, oldest first."""
    files = sorted((workspace / "calls").glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    found = []
    for path in files:
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            found.append(Call(tuple(plain["words"]), tuple(plain["runs"])))
        except (OSError, ValueError, KeyError, TypeError):  # gone since, or of another version
            continue
    return tuple(found)
