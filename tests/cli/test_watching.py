"""stilts status: what a person sees of a workspace from any shell, once or as long as something runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from socket import gethostname

import pytest
from rich.console import Console

from calling import PROGRAM, TINY, call
from stilts_xl.cli import status
from stilts_xl.cli.board import Board
from stilts_xl.cli.outlook import picture, print_status
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.core.study import Cell, Phase
from stilts_xl.run.status import Reader
from stilts_xl.store.calls import Call, keep_call
from stilts_xl.store.lock import claim
from stilts_xl.store.notes import Progress, Trouble, keep_progress, keep_trouble
from stilts_xl.store.record import write_record
from stilts_xl.store.runs import Run, keep_run
from stilts_xl.store.store import lock_file, stage_folder
from toys import RECIPE, SCRATCH, learned, rows

SQUAD, COPA = learned("squad"), learned("copa")
LANGUAGES = ("en", "ar", "fi")


def goals(model: Train) -> tuple[Predict, ...]:
    return tuple(Predict(rows("xquad", "test", language), model) for language in LANGUAGES)


def ask(workspace: Path, model: Train, *words: str) -> None:
    cell = Cell(SCRATCH, "none", "xquad", (Phase("squad", "squad", RECIPE),), LANGUAGES, "test", "smoke")
    name = keep_run(workspace, Run(cell, goals(model), {}, "sample", 0))
    keep_call(workspace, Call(("stilts", "run", *words), (name,)))


def complete(workspace: Path, *made: Stage) -> None:
    for stage in made:
        folder = stage_folder(workspace, stage)
        folder.mkdir(parents=True)
        (folder / "predictions.jsonl").write_text("{}\n", encoding="utf-8")
        write_record(folder, stage, ["predictions.jsonl"], {"seconds": 10.0}, {})


def tell(workspace: Path, stage: Stage, where: str = "cuda:1") -> None:
    """How far a stage is that this process makes."""
    keep_progress(
        workspace,
        Progress(
            slug(stage), "train", 12_345, 36_000, 2.31, 8123.0, where, gethostname(), os.getpid(), time.time(), 6.0
        ),
    )


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """SQuAD, and SQuAD after COPA, for three languages of XQuAD each: the first is done, COPA failed."""
    ask(tmp_path, learned("squad", COPA), "intermediate=copa", "target.note=it's")
    ask(tmp_path, SQUAD, "intermediate=none")
    complete(tmp_path, SQUAD, *goals(SQUAD))
    keep_trouble(tmp_path, Trouble(slug(COPA), f"{slug(COPA)}: out of memory\nask for less", "logs/copa.log", "today"))
    return tmp_path


@contextmanager
def running(*words: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """``stilts WORDS`` in the background; it is gone afterwards."""
    around = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)], env=around, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_what_is_done_and_what_failed_is_told_with_what_to_do(asked: Path) -> None:
    said = call("status", "-w", asked)
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        f"{asked}: 1 of 3 trainings and 3 of 6 predictions done",
        "4 of 9 done · 1 failed · 4 blocked",
        "",
        f"✗ {slug(COPA)}  out of memory",
        f"  blocks 4 stages of 1 cell; log: {asked}/logs/copa.log",
        "try only what failed again with: stilts run intermediate=copa 'target.note=it'\"'\"'s'",
        "",
        "✗ stilts run intermediate=copa 'target.note=it'\"'\"'s'",
        "  0 of 5 done · 1 failed · 4 blocked",
        "✓ stilts run intermediate=none  4 stages",
    ]


def test_what_runs_has_a_row_and_what_was_interrupted_a_line(asked: Path) -> None:
    ask(asked, learned("mnli"), "intermediate=mnli")
    tell(asked, learned("mnli"))
    with claim(lock_file(asked, COPA), slug(COPA)):
        tell(asked, COPA, "cuda:8,9,10,11,12,13,14,15")
        lines = call("status", "-w", asked).out.splitlines()
    head = lines.index(next(line for line in lines if line.startswith("worker")))
    assert lines[head].split() == ["worker", "stage", "phase", "step", "loss", "tok/s", "for", "left"]
    assert lines[head + 1].split()[:6] == [
        "cuda:8,9,10,11,12,13,14,15",
        slug(COPA),
        "train",
        "12,345/36,000",
        "2.31",
        "8.1k",
    ]
    assert len(lines[head + 1]) > 80  # a pipe is as wide as it must be
    assert f"– {slug(learned('mnli'))}  interrupted at train 12,345/36,000" in lines
    assert "● stilts run intermediate=copa 'target.note=it'\"'\"'s'" in lines
    assert "○ stilts run intermediate=mnli" in lines


def test_everything_that_is_done_takes_two_lines(tmp_path: Path) -> None:
    ask(tmp_path, SQUAD, "intermediate=none")
    complete(tmp_path, SQUAD, *goals(SQUAD))
    assert call("status", "-w", tmp_path).out.splitlines() == [
        f"{tmp_path}: all 4 stages are done: 1 training and 3 predictions",
        "",
        "✓ stilts run intermediate=none  4 stages",
    ]


def test_a_program_gets_one_object(asked: Path) -> None:
    with claim(lock_file(asked, COPA), slug(COPA)):
        tell(asked, COPA)
        found = json.loads(call("status", "--json", "-w", asked).out)
    assert list(found) == ["workspace", "tally", "running", "interrupted", "failed", "commands"]
    assert found["tally"] == {
        "stages": 9, "done": 4, "running": 1, "waiting": 4, "failed": 0, "blocked": 0, "trainings": 3, "trained": 1,
        "left": {"seconds": pytest.approx(40.0 + 6.0 * 23_655 / 12_345, abs=10.0), "unknown": 0},
    }  # fmt: skip
    (one,) = found["running"]
    assert (one["slug"], one["where"], one["step"], one["here"]) == (slug(COPA), "cuda:1", 12_345, True)
    assert found["commands"][1]["words"] == ["stilts", "run", "intermediate=copa", "target.note=it's"]


@pytest.mark.parametrize("found", ["holds no runs", "is not there"])
def test_a_workspace_without_runs_is_a_mistake(tmp_path: Path, found: str) -> None:
    said = call("status", "-w", tmp_path if found == "holds no runs" else tmp_path / "nowhere")
    assert said.code == 2
    assert found in said.err and str(tmp_path) in said.err
    assert len(said.err.splitlines()) == 2


def test_a_look_needs_no_torch(asked: Path) -> None:
    code = (
        "import sys; from stilts_xl.cli.app import main\n"
        f"sys.argv = ['stilts', 'status', '-w', {str(asked)!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_that_is_watched_is_wider_or_higher_than_the_terminal(asked: Path, width: int) -> None:
    console = Console(file=StringIO(), force_terminal=True, width=width, height=20, color_system=None)
    taken = [claim(lock_file(asked, stage), slug(stage)) for stage in (COPA, *goals(learned("squad", COPA)))]
    tell(asked, COPA)
    for goal in goals(learned("squad", COPA)):
        tell(asked, goal, "cuda:10")
    found = Reader(asked).look()
    for one in taken:
        assert one is not None
        one.release()
    console.print(picture(found, Board(), console))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(len(line.rstrip()) for line in lines) <= width
    assert len(lines) == 12 and lines[0].startswith(str(asked)[:30])


def test_a_command_is_never_cut_where_it_may_be_copied(asked: Path) -> None:
    ask(asked, learned("mnli"), *[f"a.long.setting.number_{number}=1" for number in range(9)])
    console = Console(file=StringIO(), force_terminal=True, width=80, color_system=None)
    print_status(Reader(asked).look(), console)
    typed = "stilts run " + " ".join(f"a.long.setting.number_{number}=1" for number in range(9))
    assert f"○ {typed}\n" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_watch_ends_where_nothing_is_left_to_do(tmp_path: Path) -> None:
    ask(tmp_path, SQUAD, "intermediate=none")
    complete(tmp_path, SQUAD, *goals(SQUAD))
    said = call("status", "--watch", "-w", tmp_path)
    assert (said.code, said.out.splitlines()) == (0, ["4 of 4 done", "nothing is left to do"])


def test_a_watch_ends_where_nothing_runs_and_says_what_goes_on(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PATIENCE", 0.0)
    said = call("status", "--watch", "-w", asked)
    assert said.code == 0
    assert said.out.splitlines() == [
        f"✗ {slug(COPA)}  out of memory",
        "4 of 9 done · 1 failed · 4 blocked",
        "nothing runs; go on with: stilts run intermediate=copa 'target.note=it'\"'\"'s'",
    ]


def test_a_watch_waits_for_a_command_that_was_given_a_moment_ago(tmp_path: Path) -> None:
    ask(tmp_path, SQUAD, "intermediate=none")
    with running("status", "--watch", "-w", tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0 of 4 done · 4 waiting · time left unknown\n"
        with claim(lock_file(tmp_path, SQUAD), slug(SQUAD)):
            assert process.stdout.readline() == "0 of 4 done · 1 running · 3 waiting · time left unknown\n"
            complete(tmp_path, SQUAD, *goals(SQUAD))
        assert process.communicate(timeout=30)[0].splitlines()[-2:] == ["4 of 4 done", "nothing is left to do"]
        assert process.returncode == 0


def test_ctrl_c_ends_a_watch_quietly(tmp_path: Path) -> None:
    ask(tmp_path, SQUAD, "intermediate=none")
    with claim(lock_file(tmp_path, SQUAD), slug(SQUAD)), running("status", "--watch", "-w", tmp_path) as process:
        assert process.stdout is not None and process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0


def test_a_sweep_is_watched_from_another_shell_until_it_is_done(tmp_path: Path) -> None:
    grid = ("target=xquad", "languages=en,ar", "compute.workers=0", "target.epochs=20", "target.max_steps=0", *TINY)
    with running("sweep", *grid, "model.hidden_size=32", "-w", tmp_path) as sweep:
        while not list(tmp_path.glob("calls/*.json")):
            assert sweep.poll() is None
            time.sleep(0.1)
        with running("status", "--watch", "--json", "-w", tmp_path) as watch:
            seen = [json.loads(line) for line in watch.communicate(timeout=100)[0].splitlines()]
            assert watch.returncode == 0
        sweep.communicate(timeout=60)
        assert sweep.returncode == 0
    done = [look["tally"]["done"] for look in seen]
    assert done == sorted(done) and done[-1] == seen[-1]["tally"]["stages"]
    assert any(one["pid"] == sweep.pid and one["host"] == gethostname() for look in seen for one in look["running"])
    assert seen[-1]["commands"][0]["words"][:2] == ["stilts", "sweep"]
