"""Claims on a stage in a shared workspace: one living owner each, kept alive by a heartbeat."""

import fcntl
import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

from stilts_xl.core.errors import StiltsError, file_error, naming

BEATS = 6
"""Heartbeats in the time after which a silent owner counts as dead."""
MISSED = 2
"""Heartbeats that we must have missed ourselves before the file system's clock is believed that an owner is silent."""
GUARD = ".guard"
"""The file that everyone locks who changes a lock file of its folder."""
ASK_EVERY = 1.0
"""Seconds between two questions whether a claim is still ours."""


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


@dataclass(frozen=True)
class Sight:
    """What one look at a lock file showed."""

    claim: Claim
    beat: int
    """When it was last touched, in nanoseconds by the file system's clock."""
    asked: float
    answered: float
    """Seconds before and after the look, by this process's ``time.monotonic``: a file server may take its time."""


_first_sights: dict[Path, Sight] = {}
"""Lock file -> the first look that showed the heartbeat it still showed at the last one."""
_sighting = Lock()


class Held:
    """A claim that is ours until ``release`` or the end of the ``with`` block."""

    def __init__(self, path: Path, mine: Claim, every: float) -> None:
        self.path = path
        self.claim = mine
        self._stop = Event()
        self._asked, self._lost = _elapsed(), False
        Thread(target=self._keep_alive, args=(every,), name=f"heartbeat {path.name}", daemon=True).start()

    def ours(self) -> bool:
        """Whether nobody has taken the claim over, as happens to an owner that a suspended machine kept silent."""
        found = _look(self.path)
        return found is not None and found.claim.owner == self.claim.owner

    def lost(self) -> bool:
        """``not ours()``, asked at most once a second and so cheap enough for every step; once lost is lost for ever.

        The first call after a suspension of more than a second asks. A file system that does not answer proves nothing.
        """
        now = _elapsed()
        if not self._lost and now - self._asked >= ASK_EVERY:
            self._asked = now
            with suppress(OSError):
                self._lost = not self.ours()
        return self._lost

    def release(self) -> None:
        """Give the claim up; does nothing the second time, in a forked child, and when it is no longer ours.

        Raises nothing: a claim that cannot be given up dies with its process.
        """
        if self._stop.is_set() or os.getpid() != self.claim.pid:
            return
        self._stop.set()
        # On a disk that has become read-only it dies with its process instead.
        with suppress(OSError, StiltsError), _guard(self.path.parent):
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

    A dead owner on this host is replaced at once. An owner elsewhere is replaced when this process has itself seen it
    silent, so not by its first call: for ``stale_after`` seconds, or for two heartbeats where the file's times, which a
    clock set anew may falsify, say that it has been ``stale_after`` seconds. All who share a workspace should use the
    same value. Whoever gets a claim must look once more whether the stage is done: its last owner may have finished it.
    Raises StiltsError where the folder cannot be written or knows no file locks.
    """
    mine = Claim(uuid.uuid4().hex, socket.gethostname(), _space(), os.getpid(), _born(os.getpid()), what, _today())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _guard(path.parent):
            found = _look(path)
            if found is not None and _lives(found, path, stale_after):
                return None
            _write(path, mine)
    except OSError as error:
        told = file_error(error)
        if told is None:
            raise
        raise told from None
    with _sighting:
        _first_sights.pop(path, None)
    return Held(path, mine, stale_after / BEATS)


def holder(path: Path, stale_after: float = 120.0) -> Claim | None:
    """The living holder of a claim, or None; an owner elsewhere lives until ``claim`` would replace it."""
    found = _look(path)
    return found.claim if found is not None and _lives(found, path, stale_after) else None


def _lives(found: Sight, path: Path, stale_after: float) -> bool:
    """Whether the owner of a claim is alive as far as can be known."""
    if _on_this_machine(found.claim):
        return _runs(found.claim)
    silence = _silence(found, path)
    if silence > stale_after:
        return False
    if silence < MISSED * stale_after / BEATS:
        return True
    now = _file_system_time(path.parent)
    return now is None or now - found.beat <= stale_after * 1e9


def _silence(found: Sight, path: Path) -> float:
    """Seconds for which this process knows that a claim was not touched; 0 at first sight.

    Time in which this machine slept does not count: the owner may be a container on it, and have slept as well.
    """
    with _sighting:
        first = _first_sights.setdefault(path, found)
        if (first.claim.owner, first.beat) != (found.claim.owner, found.beat):
            first = _first_sights[path] = found
    return found.asked - first.answered


def _file_system_time(folder: Path) -> int | None:
    """Nanoseconds by the clock that stamps heartbeats, whatever the hosts' own say; None for who may not write there."""
    guard = folder / GUARD
    try:
        os.utime(guard)
        return guard.stat().st_mtime_ns
    except OSError:
        return None


def _elapsed() -> float:
    """Seconds that go on while the machine is suspended, where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


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
def _guard(folder: Path) -> Iterator[None]:
    """One process at a time, on any host, between reading a lock file and replacing it."""
    path = folder / GUARD
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
            yield
        finally:
            fcntl.flock(guard, fcntl.LOCK_UN)  # closing is not enough when a child forked meanwhile holds a copy
    finally:
        os.close(guard)


def _look(path: Path) -> Sight | None:
    """What a lock file says and when it was last touched; None if there is none."""
    asked = time.monotonic()
    try:
        # Opening asks a file server for the file's times, where a bare stat may answer from a cache.
        with path.open(encoding="utf-8", errors="replace") as file:
            text, beat = file.read(), os.fstat(file.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None
    answered = time.monotonic()
    try:
        return Sight(Claim(**json.loads(text)), beat, asked, answered)
    except (json.JSONDecodeError, TypeError):
        return Sight(UNREADABLE, beat, asked, answered)


def _write(path: Path, mine: Claim) -> None:
    """Replace a lock file. The guard is ours, so what stands under the temporary name was left by a killed process."""
    temporary = path.with_name(f".{path.name}.new")
    with naming(path):
        try:
            temporary.write_text(json.dumps(asdict(mine)) + "\n", encoding="utf-8")
            temporary.replace(path)
        except BaseException:  # Ctrl-C too
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
