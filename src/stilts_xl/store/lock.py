"""Claims on a stage in a shared workspace: one living owner each, kept alive by a heartbeat."""

import fcntl
import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from types import TracebackType

from stilts_xl.core.errors import StiltsError

BEATS = 6
"""Heartbeats in the time after which a silent owner counts as dead."""


@dataclass(frozen=True)
class Claim:
    """Who holds a stage."""

    owner: str
    """A random token, unlike any other claim's."""
    host: str
    space: str
    """The boot and the pid namespace in which ``pid`` means something; '' where the system does not tell."""
    pid: int
    born: str
    """When the process started, in clock ticks since the boot, so that a reused pid is not the owner; '' if unknown."""
    what: str
    """The stage or the command, for people."""
    since: str
    """ISO 8601, by the owner's clock: for people, never compared."""


UNREADABLE = Claim(owner="", host="?", space="", pid=0, born="", what="an unreadable claim", since="")
"""What a damaged lock file says; it dies of silence like a claim of another host."""


class Held:
    """A claim that is ours until ``release`` or the end of the ``with`` block."""

    def __init__(self, path: Path, mine: Claim, every: float) -> None:
        self.path = path
        self.claim = mine
        self._stop = Event()
        Thread(target=self._keep_alive, args=(every,), name=f"heartbeat {path.name}", daemon=True).start()

    def ours(self) -> bool:
        """Whether nobody has taken the claim over, as happens to an owner that a suspended machine kept silent."""
        found = _read(self.path)
        return found is not None and found[0].owner == self.claim.owner

    def release(self) -> None:
        """Give the claim up; does nothing the second time, in a forked child, and when it is no longer ours."""
        if self._stop.is_set() or os.getpid() != self.claim.pid:
            return
        self._stop.set()
        with _guard(self.path.parent):
            if self.ours():
                self.path.unlink()

    def _keep_alive(self, every: float) -> None:
        while not self._stop.wait(every):
            try:
                if not self.ours():
                    return
                os.utime(self.path)
            except OSError:  # a shared file system may be away for a moment; there are more beats before it matters
                continue

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def claim(path: Path, what: str, stale_after: float = 120.0) -> Held | None:
    """Take the claim whose lock file is ``path``, or None if someone living holds it (this process included).

    A dead owner on this host is replaced at once, an owner elsewhere after ``stale_after`` seconds without a
    heartbeat; all who share a workspace should use the same value. Whoever gets a claim must look once more whether
    the stage is done: its last owner may have finished it. Raises StiltsError where the folder knows no file locks.
    """
    mine = Claim(uuid.uuid4().hex, socket.gethostname(), _space(), os.getpid(), _born(os.getpid()), what, _today())
    path.parent.mkdir(parents=True, exist_ok=True)
    with _guard(path.parent) as guard:
        found = _read(path)
        if found is not None and _lives(*found, guard, stale_after):
            return None
        _write(path, mine)
    return Held(path, mine, stale_after / BEATS)


def holder(path: Path, stale_after: float = 120.0) -> Claim | None:
    """The living holder of a claim, or None; an owner elsewhere lives until it is silent for ``stale_after`` seconds."""
    found = _read(path)
    if found is None:
        return None
    if _on_this_machine(found[0]):
        return found[0] if _runs(found[0]) else None
    if not os.access(path.parent, os.W_OK):  # a visitor without the right to write has no clock to judge silence by
        return found[0]
    with _guard(path.parent) as guard:
        return found[0] if _lives(*found, guard, stale_after) else None


def _lives(found: Claim, beat: float, guard: int, stale_after: float) -> bool:
    """Whether the owner of a claim last touched at ``beat`` is alive as far as can be known."""
    if _on_this_machine(found):
        return _runs(found)
    # Both times are stamped by the file system that both hosts share: neither host's clock is asked.
    os.utime(guard)
    return os.fstat(guard).st_mtime - beat <= stale_after


def _on_this_machine(found: Claim) -> bool:
    return found.host == socket.gethostname() and found.space == _space()


def _runs(found: Claim) -> bool:
    try:
        os.kill(found.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process
        pass
    return _born(found.pid) in (found.born, "")


def _born(pid: int) -> str:
    """When a process started; '' where /proc does not tell, 'dead' for one that ended and was not yet waited for."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = line.rpartition(")")[2].split()  # the command's name, in brackets, may hold anything
    return "dead" if fields[0] in "ZX" else fields[19]


def _space() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _today() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _guard(folder: Path) -> Iterator[int]:
    """One process at a time, on any host, between reading a lock file and replacing it; yields the guard's descriptor."""
    path = folder / ".guard"
    guard = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
        except OSError as error:
            raise StiltsError(
                f"{path} cannot be locked: {error.strerror}\n"
                "mount that file system with file locks (Lustre: -o flock), or choose another --workspace"
            ) from None
        try:
            yield guard
        finally:
            fcntl.flock(guard, fcntl.LOCK_UN)  # closing is not enough when a child forked meanwhile holds a copy
    finally:
        os.close(guard)


def _read(path: Path) -> tuple[Claim, float] | None:
    """What a lock file says and when it was last touched; None if there is none."""
    try:
        # Opening asks a file server for the file's times, where a bare stat may answer from a cache.
        with path.open(encoding="utf-8", errors="replace") as file:
            text, beat = file.read(), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    try:
        return Claim(**json.loads(text)), beat
    except (json.JSONDecodeError, TypeError):
        return UNREADABLE, beat


def _write(path: Path, mine: Claim) -> None:
    temporary = path.with_name(f".{path.name}.{mine.owner}")
    temporary.write_text(json.dumps(asdict(mine)) + "\n", encoding="utf-8")
    temporary.replace(path)
