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

from stilts_xl.store.lock import claim, holder

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
    os.utime(lock, (time.time() - 200, time.time() - 200))
    held = claim(lock, "me")
    assert held is not None
    held.release()


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
    os.utime(lock, (0, 0))
    taker = claim(lock, "the next one", stale_after=60.0)
    assert taker is not None
    assert not slept.ours()
    slept.release()
    assert taker.ours()
    taker.release()


def test_a_forked_child_does_not_release_its_parents_claim(lock: Path):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING_OWNER, str(lock)], capture_output=True, text=True
    )
    assert run.stdout == "True\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"owner": "x"}', "\x00\x00"])
def test_a_damaged_lock_file_dies_of_silence(lock: Path, text: str):
    lock.parent.mkdir()
    lock.write_text(text)
    assert claim(lock, "me") is None
    os.utime(lock, (0, 0))
    held = claim(lock, "me")
    assert held is not None
    held.release()
