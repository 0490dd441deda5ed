"""Writing that is whole or absent, and the digests of what was written."""

import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from stilts_xl.core.errors import naming

AT_ONCE = 1 << 20


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, 64 hexadecimal digits."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(AT_ONCE):
            found.update(block)
    return found.hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write text so that a reader finds the old file or the whole new one, also after a crash.

    Raises OSError that names ``path``, with nothing half written left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(handle, path.parent.stat().st_mode & 0o666)  # whoever may read the folder may read the file
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:  # Ctrl-C too
            with suppress(OSError):
                os.unlink(name)
            raise
