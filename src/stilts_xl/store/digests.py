"""sha256 of files, remembered by size and modification time so that a plan need not read gigabytes again."""

import json
from collections.abc import Callable
from pathlib import Path

from stilts_xl.store.files import AT_ONCE, file_digest, write_atomically


def remembering(memory: Path) -> Callable[[Path], str]:
    """``file_digest`` that keeps what it found in a JSON file; a changed size or time means reading again.

    For inputs only: artifacts are verified by their bytes. A small file alone is not written down: to read it again
    costs less. A memory that cannot be written (a read-only workspace that is only looked at) costs time and nothing
    else.
    """
    known = _read(memory)

    def digest_of(path: Path) -> str:
        status = path.stat()
        stamp = f"{status.st_size}/{status.st_mtime_ns}"
        name = str(path.resolve())
        if known.get(name, ["", ""])[0] != stamp:
            known[name] = [stamp, file_digest(path)]
            if status.st_size > AT_ONCE:
                _write(memory, _read(memory) | known)
        return known[name][1]

    return digest_of


def _read(memory: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(memory: Path, content: dict[str, list[str]]) -> None:
    try:
        write_atomically(memory, json.dumps(content, indent=0, sort_keys=True))
    except OSError:
        return
