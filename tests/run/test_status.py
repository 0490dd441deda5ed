"""A workspace tells what is done, runs, waits, failed and is left: from its files, whoever writes them meanwhile."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from socket import gethostname

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.core.study import Cell, Phase, stages
from stilts_xl.core.tally import Left, tally
from stilts_xl.run.status import Reader, Status
from stilts_xl.store.calls import Call, keep_call
from stilts_xl.store.lock import Claim, claim
from stilts_xl.store.notes import Progress, Trouble, keep_progress, keep_trouble
from stilts_xl.store.record import write_record
from stilts_xl.store.runs import Run, keep_run
from stilts_xl.store.store import lock_file, stage_folder
from toys import RECIPE, SCRATCH, learned, rows

SQUAD, COPA = learned("squad"), learned("copa")
ON_COPA = learned("squad", COPA)
LANGUAGES = ("en", "ar", "fi")


def goals(model: Train, *languages: str) -> tuple[Predict, ...]:
    return tuple(Predict(rows("xquad", "test", language), model) for language in languages or LANGUAGES)


def ask(workspace: Path, model: Train, intermediate: str, *words: str, limit: int = 0) -> None:
    """A command that wants one cell: xquad in three languages."""
    cell = Cell(SCRATCH, intermediate, "xquad", (Phase("squad", "squad", RECIPE),), LANGUAGES, "test", "smoke")
    name = keep_run(workspace, Run(cell, goals(model), {}, "sample", limit))
    keep_call(workspace, Call(("stilts", "run", *words), (name,)))


def complete(workspace: Path, stage: Stage, seconds: float = 10.0) -> None:
    folder = stage_folder(workspace, stage)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    write_record(folder, stage, ["model.safetensors"], {"seconds": seconds}, {})


def note(stage: Stage, pid: int | None = None, host: str = "", where: str = "cuda:1", **more: object) -> Progress:
    counts = {"phase": "train", "step": 30, "total": 120, "loss": 2.5, "tokens_per_second": 8000.0} | more
    now = time.time() - 6.0
    return Progress(slug(stage), where=where, host=host or gethostname(), pid=pid or os.getpid(), began=now, seconds=6.0, **counts)  # type: ignore[arg-type] # fmt: skip


def held_elsewhere(workspace: Path, stage: Stage, pid: int = 4711) -> Path:
    """The claim of a process on another machine."""
    path = lock_file(workspace, stage)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(asdict(Claim("x", "node17", "", pid, "", slug(stage), ""))), encoding="utf-8")
    return path


def held_by_the_dead(workspace: Path, stage: Stage) -> int:
    """The claim of a process of this machine that was killed."""
    code = (
        "import os, sys; from pathlib import Path; from stilts_xl.store.lock import claim\n"
        "claim(Path(sys.argv[1]), 'x'); print(os.getpid(), flush=True); os._exit(9)\n"
    )
    command = [sys.executable, "-c", code, str(lock_file(workspace, stage))]
    return int(subprocess.run(command, capture_output=True, text=True, encoding="utf-8").stdout)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """Two cells, of which nothing is made: SQuAD, and COPA before SQuAD; three languages of XQuAD each."""
    ask(tmp_path, SQUAD, "none", "intermediate=none")
    ask(tmp_path, ON_COPA, "copa", "intermediate=copa")
    return tmp_path


def look(workspace: Path) -> Status:
    return Reader(workspace).look()


def counts(found: Status) -> dict[str, int]:
    """What is not 0 of the counts of stages."""
    names = ("done", "running", "waiting", "failed", "blocked")
    return {name: getattr(found.tally, name) for name in names if getattr(found.tally, name)}


def test_nothing_is_done_of_what_was_only_asked_for(asked: Path) -> None:
    found = look(asked)
    assert (found.tally.stages, found.tally.trainings, found.tally.trained) == (9, 3, 0)
    assert counts(found) == {"waiting": 9}
    assert found.tally.left == Left(None, 9)
    assert not found.running and not found.failed and not found.interrupted and not found.finished


def test_what_is_complete_is_done(asked: Path) -> None:
    complete(asked, SQUAD)
    complete(asked, goals(SQUAD)[0])
    found = look(asked)
    assert counts(found) == {"done": 2, "waiting": 7}
    assert found.tally.trained == 1


def test_every_command_has_its_own_counts_and_the_latest_comes_first(asked: Path) -> None:
    for stage in (SQUAD, *goals(SQUAD)):
        complete(asked, stage)
    commands = look(asked).commands
    assert [(one.words[-1], one.cells, one.tally.done, one.tally.stages) for one in commands] == [
        ("intermediate=copa", 1, 0, 5),
        ("intermediate=none", 1, 4, 4),
    ]


def test_weights_that_were_freed_are_not_missing_while_nothing_needs_them(asked: Path) -> None:
    for stage in stages((*goals(SQUAD), *goals(ON_COPA))):
        complete(asked, stage)
    (stage_folder(asked, COPA) / "model.safetensors").unlink()
    assert look(asked).finished


def test_a_stage_runs_whose_note_is_that_of_the_living_holder_of_its_claim(asked: Path) -> None:
    with claim(lock_file(asked, SQUAD), slug(SQUAD)):
        keep_progress(asked, note(SQUAD))
        found = look(asked)
    (one,) = found.running
    assert (one.slug, one.phase, one.step, one.total, one.loss) == (slug(SQUAD), "train", 30, 120, 2.5)
    assert (one.where, one.host, one.pid, one.here) == ("cuda:1", gethostname(), os.getpid(), True)
    assert one.seconds == pytest.approx(6.0, abs=2.0)
    assert one.left == pytest.approx(18.0, abs=6.0)
    assert counts(found) == {"running": 1, "waiting": 8}


def test_a_job_that_has_told_nothing_yet_is_starting_and_its_other_stages_wait(asked: Path) -> None:
    complete(asked, SQUAD)
    held = [claim(lock_file(asked, goal), slug(goal)) for goal in goals(SQUAD)]
    found = look(asked)
    assert [(one.slug, one.phase) for one in found.running] == [(slug(goals(SQUAD)[0]), "starting")]
    keep_progress(asked, note(goals(SQUAD)[1], phase="predict"))
    assert [(one.slug, one.phase) for one in look(asked).running] == [(slug(goals(SQUAD)[1]), "predict")]
    for one in held:
        assert one is not None
        one.release()


def test_a_note_that_nobody_living_holds_is_an_interruption(asked: Path) -> None:
    keep_progress(asked, note(SQUAD))
    keep_progress(asked, note(COPA, held_by_the_dead(asked, COPA)))
    found = look(asked)
    assert [one.slug for one in found.interrupted] == sorted((slug(SQUAD), slug(COPA)))
    assert counts(found) == {"waiting": 9}


def test_the_note_of_a_dead_worker_says_nothing_of_the_one_that_took_over(asked: Path) -> None:
    keep_progress(asked, note(SQUAD, held_by_the_dead(asked, SQUAD)))
    with claim(lock_file(asked, SQUAD), slug(SQUAD)):
        found = look(asked)
    assert [(one.slug, one.phase, one.step) for one in found.running] == [(slug(SQUAD), "starting", 0)]
    assert not found.interrupted


def test_a_stage_that_is_made_elsewhere_shows_its_host_and_process_and_how_long_it_is_silent(asked: Path) -> None:
    path = held_elsewhere(asked, SQUAD)
    keep_progress(asked, note(SQUAD, 4711, "node17"))
    held_elsewhere(asked, COPA, pid=4712)
    os.utime(path, (time.time() - 100,) * 2)
    told, starting = look(asked).running
    assert (told.slug, told.host, told.pid, told.here, told.where) == (slug(SQUAD), "node17", 4711, False, "cuda:1")
    assert told.silent == pytest.approx(100.0, abs=5.0)
    assert (starting.slug, starting.phase, starting.pid) == (slug(COPA), "starting", 4712)
    assert starting.silent < 5.0


def test_a_failure_tells_why_what_it_blocks_and_what_tries_it_again(asked: Path) -> None:
    keep_trouble(asked, Trouble(slug(COPA), "out of memory\nask for less", "logs/copa.log", "today"))
    found = look(asked)
    (one,) = found.failed
    assert (one.slug, one.message, one.log) == (slug(COPA), "out of memory\nask for less", "logs/copa.log")
    assert (one.blocks, one.cells, one.again) == (4, 1, ("stilts", "run", "intermediate=copa"))
    assert counts(found) == {"waiting": 4, "failed": 1, "blocked": 4}


def test_a_prediction_that_failed_blocks_nothing_and_one_cell_lacks_it(asked: Path) -> None:
    keep_trouble(asked, Trouble(slug(goals(SQUAD)[0]), "no such file", "logs/x.log", "today"))
    (one,) = look(asked).failed
    assert (one.blocks, one.cells, one.again[-1]) == (0, 1, "intermediate=none")


def test_a_failure_of_a_stage_that_is_complete_or_running_now_is_over(asked: Path) -> None:
    for stage in (SQUAD, COPA):
        keep_trouble(asked, Trouble(slug(stage), "out of memory", "logs/x.log", "today"))
    complete(asked, SQUAD)
    with claim(lock_file(asked, COPA), slug(COPA)):
        found = look(asked)
    assert not found.failed
    assert counts(found) == {"done": 1, "running": 1, "waiting": 7}


def test_the_time_left_is_that_of_like_stages_shared_by_those_who_work(asked: Path) -> None:
    complete(asked, SQUAD, 100.0)
    assert look(asked).tally.left == Left(100.0, 7)  # SQuAD after COPA is like SQuAD
    complete(asked, COPA, 50.0)
    complete(asked, goals(SQUAD)[0], 2.0)
    with claim(lock_file(asked, ON_COPA), slug(ON_COPA)):
        keep_progress(asked, note(ON_COPA, step=60))
        found = look(asked)
        assert found.tally.left == Left(50.0 + 5 * 2.0, 0)
    with claim(lock_file(asked, ON_COPA), slug(ON_COPA)), claim(lock_file(asked, goals(SQUAD)[1]), "x"):
        keep_progress(asked, note(ON_COPA, step=60))
        keep_progress(asked, note(goals(SQUAD)[1], phase="predict", step=120))
        assert look(asked).tally.left == Left(50.0, 0)  # what is longest of what runs


def test_a_reader_sees_what_has_changed_since_its_last_look(asked: Path) -> None:
    reader = Reader(asked)
    assert counts(reader.look()) == {"waiting": 9}
    complete(asked, SQUAD)
    assert counts(reader.look()) == {"done": 1, "waiting": 8}
    (stage_folder(asked, SQUAD) / "record.json").unlink()
    with claim(lock_file(asked, SQUAD), slug(SQUAD)):  # a broken artifact is made again
        assert counts(reader.look()) == {"running": 1, "waiting": 8}
    ask(asked, learned("mnli"), "mnli", "intermediate=mnli")
    assert reader.look().tally.stages == 13


def test_what_was_asked_later_is_the_reason_to_wait_for_somebody(asked: Path) -> None:
    reader = Reader(asked)
    for name in os.listdir(asked):
        os.utime(asked / name, (time.time() - 1000,) * 2)
    assert reader.idle() > 900
    ask(asked, learned("mnli"), "mnli", "intermediate=mnli")
    assert reader.idle() < 5


def test_a_stage_of_which_no_run_is_known_is_shown_while_it_runs(tmp_path: Path) -> None:
    with claim(lock_file(tmp_path, SQUAD), slug(SQUAD)):
        keep_progress(tmp_path, note(SQUAD))
        found = look(tmp_path)
    assert [one.slug for one in found.running] == [slug(SQUAD)]
    assert found.tally.stages == 0 and not found.finished


def test_what_another_version_wrote_is_passed_over(asked: Path) -> None:
    for name in ("runs/xquad-1.json", "calls/1.json", "progress/x.json", "failures/x.json", "locks/x.lock"):
        path = asked / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"type": "Later"}', encoding="utf-8")
    (asked / "runs/xquad-2.json").write_text("{", encoding="utf-8")
    assert counts(look(asked)) == {"waiting": 9}


def test_looking_writes_nothing(asked: Path) -> None:
    complete(asked, SQUAD)
    held_elsewhere(asked, COPA)
    keep_progress(asked, note(SQUAD))

    def everything() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in asked.rglob("*")}

    before = everything()
    reader = Reader(asked)
    reader.look()
    reader.look()
    assert everything() == before


@pytest.mark.parametrize(("name", "found"), [("", "holds no runs"), ("nowhere", "is not there")])
def test_a_workspace_that_holds_nothing_is_a_mistake(tmp_path: Path, name: str, found: str) -> None:
    with pytest.raises(Mistake, match=found) as told:
        look(tmp_path / name)
    assert str(tmp_path / name) in str(told.value)


ALL = stages((*goals(SQUAD), *goals(ON_COPA)))
some = st.sets(st.sampled_from(ALL))


@given(absent=some, running=some, failed=some, times=st.sampled_from([None, 0.0, 7.0]))
def test_every_stage_is_counted_once(
    absent: set[Stage], running: set[Stage], failed: set[Stage], times: float | None
) -> None:
    missing: Sequence[Stage] = [stage for stage in ALL if stage in absent]
    found = tally(
        ALL, missing, {slug(stage): times for stage in running}, {slug(stage) for stage in failed}, lambda stage: times
    )
    assert found.done + found.running + found.waiting + found.failed + found.blocked == found.stages == len(ALL)
    assert found.done == len(ALL) - len(absent)
    assert found.running == len(absent & running)
    assert found.trained <= found.trainings == 3
    known = found.running + found.waiting
    assert found.left == (Left(0.0, 0) if not known else Left(None, known) if times is None else found.left)
    assert times is None or found.left.unknown == 0
