"""A disk of a few pages, in memory: it can be full, and it can be read-only, for root too."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = 4096


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system."""

    path: Path

    def fill(self, leave: int = 0) -> None:
        """Write a file until there is room for ``leave`` pages and no more."""
        self.empty()
        with (self.path / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(PAGE)):
                    continue
            except OSError:
                filler.truncate(max(0, filler.tell() - leave * PAGE))

    def empty(self) -> None:
        """Make room again."""
        (self.path / "filler").unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nobody can write inside the block."""
        _run("mount", "-o", "remount,ro", self.path)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", self.path)


@contextmanager
def small_disk(path: Path, pages: int) -> Iterator[SmallDisk]:
    """Mount such a disk for the block; the test is skipped where that is not permitted."""
    path.mkdir(parents=True, exist_ok=True)
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", path)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system cannot be mounted here (that takes root and Linux)")
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", path)


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
