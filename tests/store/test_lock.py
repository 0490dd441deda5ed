"""A claim has one living owner: the dead and the silent are replaced, the living never."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from small_disk import SmallDisk, small_disk
from stilts_xl.core.errors import StiltsError
from stilts_xl.store.lock import Held, claim, holder

ROUNDS = 50
OWNER = """
import sys, time
from pathlib import Path
from stilts_xl.store.lock import claim
held = claim(Path(sys.argv[1]), "the other process")
print("held" if held else "refused", flush=True)
time.sleep(60)
"""
FORKING_OWNER = """
import os, sys
from pathlib import Path
from stilts_xl.store.lock import claim
held = claim(Path(sys.argv[1]), "a parent")
child = os.fork()
if child == 0:
    held.release()
    os._exit(0)
os.waitpid(child, 0)
print(held.ours())
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "squad-3f9a1c2e"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "locks", pages=16) as mounted:
        yield mounted


@contextmanager
def another_process(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the claim."""
    with subprocess.Popen([sys.executable, "-c", OWNER, str(lock)], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "held\n"
            yield owner
        finally:
            owner.kill()


def rewrite(lock: Path, **changes: object) -> None:
    """Make the lock file say something else, as another host or an earlier process would have written it."""
    lock.write_text(json.dumps(json.loads(lock.read_text()) | changes))


def left_behind(lock: Path, **changes: object) -> None:
    """A lock file whose owner is not this process and sends no heartbeat."""
    held = claim(lock, "left behind")
    assert held is not None
    text = lock.read_text()
    held.release()
    lock.write_text(text)
    rewrite(lock, **changes)


def taken_over(lock: Path) -> Held:
    """The claim of somebody who has seen long enough that nobody touches the lock file."""
    assert claim(lock, "the next one", stale_after=0.3) is None
    time.sleep(0.4)
    held = claim(lock, "the next one", stale_after=0.3)
    assert held is not None
    return held


def time_until_claimed(lock: Path, stale_after: float) -> float:
    """Seconds until somebody who keeps asking gets the claim."""
    began = time.monotonic()
    while time.monotonic() - began < 20 * stale_after:
        held = claim(lock, "somebody who keeps asking", stale_after=stale_after)
        if held is not None:
            held.release()
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError("never")


@contextmanager
def clock_set_anew(lock: Path, by: float) -> Iterator[None]:
    """A file server's clock that is put forward after every heartbeat by so many seconds, or back where negative.

    What an observer sees then is a heartbeat that many seconds before, or after, the time it is now.
    """
    over = threading.Event()

    def shift() -> None:
        seen = 0
        while not over.wait(0.01):
            beat = lock.stat().st_mtime_ns
            if beat != seen:
                seen = beat - int(by * 1e9)
                os.utime(lock, ns=(seen, seen))

    shifting = threading.Thread(target=shift)
    shifting.start()
    try:
        yield
    finally:
        over.set()
        shifting.join()


def race(folder: Path, barrier, wins) -> None:
    for number in range(ROUNDS):
        barrier.wait()
        held = claim(folder / f"stage-{number}", "a race")
        wins.put((number, held is not None))
        barrier.wait()
        if held:
            held.release()


def wins_of_two_racers(folder: Path) -> dict[int, int]:
    context = multiprocessing.get_context("spawn")
    barrier, wins = context.Barrier(2, timeout=60), context.Queue()
    racers = [context.Process(target=race, args=(folder, barrier, wins)) for _ in range(2)]
    for racer in racers:
        racer.start()
    results = [wins.get(timeout=60) for _ in range(2 * ROUNDS)]
    for racer in racers:
        racer.join()
    return {number: sum(won for which, won in results if which == number) for number in range(ROUNDS)}


def test_of_two_processes_that_claim_a_free_stage_exactly_one_wins(tmp_path: Path):
    assert wins_of_two_racers(tmp_path) == dict.fromkeys(range(ROUNDS), 1)


def test_of_two_processes_that_replace_a_dead_owner_exactly_one_wins(tmp_path: Path):
    for number in range(ROUNDS):
        left_behind(tmp_path / f"stage-{number}", born="an earlier process")
    assert wins_of_two_racers(tmp_path) == dict.fromkeys(range(ROUNDS), 1)


def test_of_many_threads_exactly_one_wins(lock: Path):
    won = []
    threads = [threading.Thread(target=lambda: won.append(claim(lock, "a thread"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(held is not None for held in won) == 1


def test_a_claim_says_who_holds_it_and_is_free_after_the_block(lock: Path):
    assert holder(lock) is None
    held = claim(lock, "squad-3f9a1c2e")
    assert held is not None
    with held:
        assert holder(lock) == held.claim
        assert (held.claim.pid, held.claim.what) == (os.getpid(), "squad-3f9a1c2e")
    assert holder(lock) is None


def test_only_the_guard_is_left_when_a_claim_is_released(lock: Path):
    held = claim(lock, "x")
    assert held is not None
    held.release()
    assert [path.name for path in lock.parent.iterdir()] == [".guard"]


def test_a_living_owner_keeps_its_claim_however_long_it_is_silent(lock: Path):
    with another_process(lock) as owner:
        os.utime(lock, (0, 0))
        assert claim(lock, "me", stale_after=0.1) is None
        found = holder(lock, stale_after=0.1)
        assert found is not None
        assert found.pid == owner.pid


def test_a_killed_owner_is_replaced_at_once(lock: Path):
    with another_process(lock) as owner:
        owner.kill()
        owner.wait()
        assert holder(lock) is None
        held = claim(lock, "me")
        assert held is not None
        assert held.ours()
        held.release()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells a zombie from a living process")
def test_a_killed_owner_that_its_parent_has_not_waited_for_is_replaced_too(lock: Path):
    with another_process(lock) as owner:
        owner.kill()
        stat = Path(f"/proc/{owner.pid}/stat")
        while " Z " not in stat.read_text():
            time.sleep(0.01)
        held = claim(lock, "me")
        assert held is not None
        held.release()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc knows when a process started")
def test_a_process_that_got_a_dead_owners_pid_is_not_the_owner(lock: Path):
    left_behind(lock, born="1")
    assert holder(lock) is None
    held = claim(lock, "me")
    assert held is not None
    held.release()


@pytest.mark.parametrize("elsewhere", [{"host": "another-host"}, {"space": "another boot or container"}])
def test_an_owner_elsewhere_is_replaced_only_after_its_silence(lock: Path, elsewhere: dict[str, str]):
    left_behind(lock, **elsewhere)
    assert claim(lock, "me", stale_after=1.0) is None
    assert holder(lock, stale_after=1.0) is not None
    time.sleep(1.1)
    assert holder(lock, stale_after=1.0) is None
    held = claim(lock, "me", stale_after=1.0)
    assert held is not None
    held.release()


def test_the_clock_of_the_other_host_is_never_asked(lock: Path):
    left_behind(lock, host="slow-clock", since="1970-01-01T00:00:00+00:00")
    assert claim(lock, "me") is None
    rewrite(lock, host="fast-clock", since="2099-01-01T00:00:00+00:00")
    assert time_until_claimed(lock, stale_after=0.6) >= 0.6


@pytest.mark.parametrize("jump", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_clock_that_jumps_kills_no_living_owner(lock: Path, jump: float):
    stale_after = 2.4
    held = claim(lock, "me", stale_after=stale_after)
    assert held is not None
    rewrite(lock, host="another-host")
    began, seen = time.monotonic(), set()
    with clock_set_anew(lock, jump):
        while time.monotonic() - began < 1.5 * stale_after:
            assert claim(lock, "you", stale_after=stale_after) is None
            assert holder(lock, stale_after=stale_after) is not None
            seen.add(lock.stat().st_mtime_ns)
            time.sleep(0.02)
    assert held.ours()
    assert len(seen) > 5  # it did beat, and the clock did jump
    held.release()


def test_a_dead_owner_whose_silence_the_times_show_is_replaced_after_two_missed_heartbeats(lock: Path):
    left_behind(lock, host="another-host")
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    assert 0.4 <= time_until_claimed(lock, stale_after=1.2) < 1.2


def test_a_dead_owner_whose_last_heartbeat_lies_in_the_future_is_replaced_all_the_same(lock: Path):
    left_behind(lock, host="another-host")
    os.utime(lock, (time.time() + 3600, time.time() + 3600))
    assert 0.6 <= time_until_claimed(lock, stale_after=0.6) < 2


def test_the_silence_of_one_owner_is_not_held_against_the_next(lock: Path):
    left_behind(lock, host="another-host", owner="the first")
    assert claim(lock, "me", stale_after=0.5) is None
    time.sleep(0.6)
    status = lock.stat()
    rewrite(lock, owner="the second")
    os.utime(lock, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert claim(lock, "me", stale_after=0.5) is None


def test_looking_alone_ages_no_owner_of_this_machine(lock: Path):
    with another_process(lock):
        for _ in range(5):
            assert holder(lock, stale_after=0.01) is not None
            time.sleep(0.02)


def test_the_heartbeat_keeps_a_claim_alive_for_other_hosts(lock: Path):
    held = claim(lock, "me", stale_after=1.2)
    assert held is not None
    rewrite(lock, host="another-host")  # what the same claim looks like from elsewhere
    time.sleep(1.8)
    assert holder(lock, stale_after=1.2) is not None
    assert claim(lock, "you", stale_after=1.2) is None
    held.release()


def test_releasing_twice_is_harmless(lock: Path):
    held = claim(lock, "me")
    assert held is not None
    held.release()
    next_owner = claim(lock, "the next one")
    assert next_owner is not None
    held.release()
    assert next_owner.ours()
    next_owner.release()


def test_a_claim_that_was_taken_over_is_neither_ours_nor_released_by_us(lock: Path):
    slept = claim(lock, "a suspended machine", stale_after=60.0)
    assert slept is not None
    rewrite(lock, host="another-host")
    taker = taken_over(lock)
    assert not slept.ours()
    slept.release()
    assert taker.ours()
    taker.release()


def test_an_owner_hears_within_a_second_that_its_claim_was_taken_over(lock: Path):
    slept = claim(lock, "a suspended machine", stale_after=60.0)
    assert slept is not None
    assert not slept.lost()
    rewrite(lock, host="another-host")
    taker, began = taken_over(lock), time.monotonic()
    while not slept.lost():
        assert time.monotonic() - began < 1.5
        time.sleep(0.01)
    assert not taker.lost()
    taker.release()
    assert slept.lost()


def test_a_claim_whose_file_was_deleted_is_lost(lock: Path):
    held = claim(lock, "me")
    assert held is not None
    lock.unlink()
    time.sleep(1.05)
    assert held.lost()


def test_whether_a_claim_is_lost_is_asked_once_a_second_at_most(lock: Path):
    held = claim(lock, "me")
    assert held is not None
    lock.unlink()
    began = time.monotonic()
    answers = [held.lost() for _ in range(20_000)]
    if time.monotonic() - began < 0.9:
        assert not any(answers)


def test_a_forked_child_does_not_release_its_parents_claim(lock: Path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING_OWNER, str(lock)], capture_output=True, text=True
    )
    assert run.stdout == "True\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"owner": "x"}', "\x00\x00"])
def test_a_damaged_lock_file_dies_of_silence(lock: Path, text: str):
    lock.parent.mkdir()
    lock.write_text(text)
    assert time_until_claimed(lock, stale_after=0.6) >= 0.6


def test_a_file_where_the_folder_of_claims_belongs_is_told(lock: Path):
    lock.parent.write_text("")
    with pytest.raises(StiltsError, match=r"locks cannot be used: File exists\na file stands where a folder belongs"):
        claim(lock, "me")


def test_a_folder_where_a_claim_belongs_is_told(lock: Path):
    lock.mkdir(parents=True)
    with pytest.raises(StiltsError, match=f"{lock.name} cannot be used: Is a directory\na folder stands"):
        claim(lock, "me")


def test_what_a_process_that_was_killed_while_claiming_left_is_no_claim_and_does_not_stay(lock: Path):
    lock.parent.mkdir()
    lock.with_name(f".{lock.name}.new").write_text('{"own')
    assert holder(lock) is None
    held = claim(lock, "me")
    assert held is not None
    held.release()
    assert [path.name for path in lock.parent.iterdir()] == [".guard"]


def test_a_folder_that_cannot_be_written_is_told_and_its_claims_can_be_looked_at(disk: SmallDisk):
    folder = disk.path
    left_behind(folder / "stage", host="another-host")
    with disk.read_only():
        with pytest.raises(
            StiltsError, match=r"\.guard cannot be written: Read-only file system\nmount that file system"
        ):
            claim(folder / "stage", "me")
        assert holder(folder / "stage", stale_after=0.2) is not None
        time.sleep(0.3)
        assert holder(folder / "stage", stale_after=0.2) is None
    held = claim(folder / "stage", "me", stale_after=0.2)
    assert held is not None
    held.release()


def test_a_full_disk_refuses_a_claim_and_keeps_those_that_are_held_alive(disk: SmallDisk):
    folder = disk.path
    held = claim(folder / "held", "me", stale_after=0.6)
    assert held is not None
    disk.fill()
    with pytest.raises(StiltsError, match="wanted cannot be written: No space left on device\nmake room"):
        claim(folder / "wanted", "me")
    assert sorted(path.name for path in folder.iterdir()) == [".guard", "filler", "held"]
    beat = (folder / "held").stat().st_mtime_ns
    time.sleep(0.3)
    assert (folder / "held").stat().st_mtime_ns > beat
    disk.empty()
    wanted = claim(folder / "wanted", "me")
    assert wanted is not None  # the guard was given back
    wanted.release()
    held.release()
