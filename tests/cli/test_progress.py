"""While stages run, a terminal shows a live board, and a log gets few plain lines; events travel as lines."""

import json
import re
import subprocess
import sys
from io import StringIO
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stilts_xl.cli.board import duration
from stilts_xl.cli.progress import Watch, show
from stilts_xl.cli.session import Session
from stilts_xl.core.event import DONE, FAILED, Event, from_json, to_json
from stilts_xl.core.stage import Predict, Stage, Train, slug
from stilts_xl.core.tally import Left
from toys import SCRATCH, learned, rows

SQUAD_STAGE, MNLI_STAGE = learned("squad"), learned("mnli")
FINNISH_STAGE = Predict(rows("xquad", "test", "fi"), SQUAD_STAGE)
SQUAD, MNLI, FINNISH = (slug(stage) for stage in (SQUAD_STAGE, MNLI_STAGE, FINNISH_STAGE))
TODO: tuple[Stage, ...] = (SQUAD_STAGE, MNLI_STAGE, FINNISH_STAGE)
NEVER = 1e9
LANGUAGES = ("en", "ar", "fi", "te")


def train(step: int, total: int = 312, **more: object) -> Event:
    return Event(SQUAD, "train", step, total, **more)


def plain(*events: Event, todo: tuple[Stage, ...] = TODO, quiet: float = NEVER) -> list[str]:
    """The lines that a log gets, with times of a few seconds written as 0s."""
    console = Console(file=StringIO(), force_terminal=False, width=60)
    with show(todo, console, quiet) as report:
        for event in events:
            report(event)
    return few_seconds_as_0(console.file.getvalue()).splitlines()


def few_seconds_as_0(text: str) -> str:
    return re.sub(r"\b\d+s\b", "0s", text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Console(file=StringIO(), force_terminal=True, width=100)


def test_a_plain_line_names_the_stage_its_place_and_how_it_goes():
    lines = plain(train(120, loss=2.3149, learning_rate=1e-5, tokens_per_second=8123.4))
    assert lines == [f"[1/3] {SQUAD}  train  120/312  loss 2.31  8.1k tok/s"]


def test_a_log_gets_the_first_event_the_end_and_nothing_between_when_time_is_short():
    lines = plain(*[train(step, loss=2.0) for step in range(313)], Event(SQUAD, DONE, 312, 312, loss=1.9))
    assert lines == [f"[1/3] {SQUAD}  train  0/312  loss 2.00", f"✓ {SQUAD}  312 steps  0s  loss 1.90"]


def test_a_log_gets_every_event_when_no_quiet_is_asked_for():
    lines = plain(*[train(step) for step in range(4)], quiet=0.0)
    assert [line.split()[3] for line in lines] == ["0/312", "1/312", "2/312", "3/312"]


def test_the_time_left_follows_the_pace_since_the_first_step_seen():
    lines = plain(train(300), train(306), quiet=0.0)
    assert not lines[0].endswith("left")
    assert lines[1].endswith("0s left")


def test_messages_are_always_printed_as_they_are():
    lines = plain(train(1), train(2, message="f1 45.0 [best] " + "x" * 80))
    assert lines[1] == f"{SQUAD}  f1 45.0 [best] " + "x" * 80


def test_stages_are_numbered_as_they_appear_and_keep_their_number():
    second = Event(MNLI, "train", 0, 9, where="cpu:1")
    lines = plain(train(0), second, Event(SQUAD, FAILED, 0, 0), train(0))
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "✗", "[1/3]"]


def test_a_line_of_a_worker_says_which():
    lines = plain(train(120, where="cuda:1"))
    assert lines == [f"[1/3] cuda:1  {SQUAD}  train  120/312"]


def test_a_validation_between_steps_does_not_hide_the_training_loss():
    lines = plain(train(5, loss=0.0312), Event(SQUAD, "validate", 1, 10), quiet=0.0)
    assert lines[1] == f"[1/3] {SQUAD}  validate  1/10  loss 0.031"


def test_a_failed_stage_says_why_and_how_far_it_came():
    message = f"{SQUAD}: out of memory"
    lines = plain(train(120), Event(SQUAD, FAILED, 0, 0, message=message))
    assert lines[1:] == [f"✗ {SQUAD}  out of memory  (at train 120/312, 0s)"]


def test_a_stage_that_fails_before_its_first_step_says_so():
    assert plain(Event(SQUAD, FAILED, 0, 0, message="no such file")) == [f"✗ {SQUAD}  no such file  (at its start)"]


def test_the_data_check_is_no_stage_and_is_told_once():
    check = [Event("data", "check", number, 3) for number in (1, 2, 3)]
    assert plain(*check, Event("data", DONE, 3, 3), train(0)) == [
        "✓ data  3 splits  0s",
        f"[1/3] {SQUAD}  train  0/312",
    ]


def ended_by(error: BaseException, *events: Event) -> list[str]:
    """The lines of a log whose run an error ends after some events."""
    console = Console(file=StringIO(), force_terminal=False, width=100)

    def run() -> None:
        with show(TODO[:2], console, NEVER) as report:
            for event in events:
                report(event)
            raise error

    with pytest.raises(type(error)):
        run()
    return few_seconds_as_0(console.file.getvalue()).splitlines()


def test_an_error_in_the_data_speaks_for_itself():
    assert ended_by(ValueError("line 3"), Event("data", "check", 1, 3)) == []


def test_a_log_hears_of_a_prediction_when_it_is_over_or_lasts():
    done = Event(FINNISH, DONE, 800, 800)
    predict = [Event(FINNISH, "predict", number, 800) for number in (200, 800)]
    assert plain(*predict, done) == [f"✓ {FINNISH}  800 sequences  0s"]
    assert len(plain(*predict, done, quiet=0.0)) == 3


def test_an_interruption_says_how_far_every_running_stage_came():
    assert ended_by(KeyboardInterrupt(), train(120), Event(MNLI, "train", 7, 9, where="cpu:1"))[2:] == [
        f"✗ {SQUAD}  stopped at train 120/312  0s",
        f"✗ {MNLI}  stopped at train 7/9  0s",
    ]


def test_a_stage_that_somebody_else_makes_is_told_of_in_a_line_and_has_no_row(terminal: Console):
    with show(TODO, terminal) as report:
        report(Event(SQUAD, "wait", 0, 0, message="another process is making it"))
    assert terminal.file.getvalue().count(SQUAD) == 0
    assert "another process is making it" in terminal.file.getvalue()


def grid() -> tuple[Stage, ...]:
    """Two trainings, and predictions of both: more than 30 stages."""
    tasks = ("xquad", "mlqa", "tydiqa", "panx")
    trained = (SQUAD_STAGE, MNLI_STAGE)
    found = [
        Predict(rows(task, "test", language), model) for model in trained for task in tasks for language in LANGUAGES
    ]
    return (*trained, *found)


def predictions(model: Train, task: str, *languages: str, where: str = "") -> list[Event]:
    """What a worker tells of predictions that it completes."""
    names = [slug(Predict(rows(task, "test", language), model)) for language in languages]
    return [Event(name, phase, 8, 8, where=where) for name in names for phase in ("predict", DONE)]


def test_in_a_grid_the_predictions_of_one_model_and_task_share_a_line_when_the_last_is_done():
    events = predictions(SQUAD_STAGE, "xquad", *LANGUAGES)
    assert plain(*events[:-1], todo=grid())[:-1] == []  # the only line is that of the end
    told = f"✓ xquad en … te  4 languages  0s  by {SQUAD}"
    assert plain(*events, train(0), todo=grid()) == [told, f"[5/34] {SQUAD}  train  0/312"]


def test_in_a_grid_predictions_are_told_of_when_their_worker_moves_on():
    events = predictions(SQUAD_STAGE, "xquad", "en", "ar") + predictions(SQUAD_STAGE, "mlqa", *LANGUAGES)
    assert plain(*events, todo=grid()) == [
        f"✓ xquad en, ar  2 languages  0s  by {SQUAD}",
        f"✓ mlqa en … te  4 languages  0s  by {SQUAD}",
    ]


def test_in_a_grid_predictions_of_two_workers_are_not_mixed_up():
    here = predictions(SQUAD_STAGE, "xquad", *LANGUAGES, where="cpu:0")
    there = predictions(MNLI_STAGE, "xquad", *LANGUAGES[:3], where="cpu:1")
    mixed = [event for pair in zip(here, there, strict=False) for event in pair] + here[len(there) :]
    assert plain(*mixed, todo=grid()) == [
        f"✓ xquad en … te  4 languages  0s  by {SQUAD}",
        f"✓ xquad en … fi  3 languages  0s  by {MNLI}",
    ]


def test_in_a_grid_a_failed_prediction_does_not_keep_the_others_from_being_told_of():
    name = slug(Predict(rows("xquad", "test", "te"), SQUAD_STAGE))
    events = [*predictions(SQUAD_STAGE, "xquad", "en", "ar", "fi"), Event(name, FAILED, 0, 0, message="no such file")]
    assert plain(*events, train(0), todo=grid())[:2] == [
        f"✗ {name}  no such file  (at its start)",
        f"✓ xquad en … fi  3 languages  0s  by {SQUAD}",
    ]


def test_an_interrupted_grid_tells_of_what_was_predicted():
    console = Console(file=StringIO(), force_terminal=False, width=100)

    def run() -> None:
        with show(grid(), console, NEVER) as report:
            for event in predictions(SQUAD_STAGE, "xquad", "en", "ar"):
                report(event)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert few_seconds_as_0(console.file.getvalue()) == f"✓ xquad en, ar  2 languages  0s  by {SQUAD}\n"


def test_a_bare_encoder_is_named_by_its_name():
    todo = tuple(Predict(rows("bucc2018", "test", language), SCRATCH) for language in LANGUAGES)
    events = [Event(slug(stage), phase, 8, 8) for stage in todo for phase in ("predict", DONE)]
    assert plain(*events, todo=(*todo, *grid()))[-1] == "✓ bucc2018 en … te  4 languages  0s  by scratch"


def test_a_terminal_shows_a_row_a_worker_and_one_line_after_a_stage(terminal: Console):
    with show(TODO, terminal) as report:
        report(train(120, loss=2.31, tokens_per_second=8123.4, where="cpu:0"))
        report(Event(MNLI, "train", 0, 9, where="cpu:1"))
        report(Event(MNLI, DONE, 9, 9, where="cpu:1"))
    screen = terminal.file.getvalue()
    for part in ("worker", "cpu:0", SQUAD, "train", "━", "120/312", "2.31", "8.1k", "1 of 3 done", "1 running"):
        assert part in screen
    assert f"{MNLI}  9 steps" in screen


def screen(width: int, *events: Event, height: int = 24) -> list[str]:
    """The last picture of a terminal, as plain lines."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, force_interactive=True)
    watch = Watch(console, Session(grid(), lambda stage: 60.0), NEVER)
    for event in events:
        watch.report(event)
    shown = Console(file=StringIO(), width=width, height=height, force_terminal=False)
    shown.print(watch.picture())
    return [line.rstrip() for line in shown.file.getvalue().splitlines()]


TWO = (
    train(12_345, 123_456, loss=2.31, tokens_per_second=81_234.0, where="cuda:10"),
    Event(MNLI, "validate", 3, 10, where="cuda:2"),
)


@pytest.mark.parametrize("width", [30, 50, 80, 120])
def test_the_board_is_one_line_a_worker_however_narrow_the_terminal(width: int):
    lines = screen(width, *TWO)
    assert len(lines) == 4
    assert max(len(line) for line in lines) <= width
    assert lines[1].startswith("cuda:2 ") and lines[2].startswith("cuda:10 ")


def test_the_columns_of_the_board_stand_below_their_heads():
    head, first, second, below = screen(100, *TWO)
    assert head.split() == ["worker", "stage", "phase", "step", "loss", "tok/s", "left"][: len(head.split())]
    for name, text in (("stage", SQUAD), ("phase", "train")):
        assert head.index(name) == second.index(text)
    for name, text in (("step", "12,345/123,456"), ("loss", "2.31"), ("tok/s", "81.2k")):
        assert head.index(name) + len(name) == second.index(text) + len(text)
    assert below.startswith("0 of 34 done · 2 running · 32 waiting · about ")


def test_more_workers_than_lines_leave_room_for_the_counts():
    many = [Event(MNLI, "train", 0, 9, where=f"cuda:{number}") for number in range(40)]
    lines = screen(80, *many, height=12)
    assert len(lines) <= 12
    assert lines[-1].startswith("0 of 34 done")
    assert lines[-2] == "… and 32 more"


def test_the_counts_say_what_a_failure_blocks():
    lines = screen(120, train(1), Event(SQUAD, FAILED, 0, 0, message="out of memory"))
    assert lines[-1].startswith("0 of 34 done · 17 waiting · 1 failed · 16 blocked")


def test_the_time_left_is_shared_by_those_who_work_and_follows_the_pace_of_the_session():
    session = Session(grid(), lambda stage: 100.0 if isinstance(stage, Train) else None)
    assert session.tally({}).left == Left(200.0, 32)
    session.done(SQUAD, 10.0)
    session.done(slug(Predict(rows("xquad", "test", "en"), SQUAD_STAGE)), 2.0)
    assert session.tally({}).left == Left(100.0 + 31 * 2.0, 0)
    name = slug(Predict(rows("xquad", "test", "ar"), SQUAD_STAGE))
    assert session.tally({MNLI: (40.0, None), name: (0.5, 1.0)}).left == Left((60.0 + 1.0 + 30 * 2.0) / 2, 0)


def test_a_stage_that_is_done_shows_that_what_it_stands_on_is_done_too():
    session = Session(grid(), lambda stage: None)
    session.done(slug(Predict(rows("xquad", "test", "en"), SQUAD_STAGE)), 2.0)
    assert session.tally({}).done == 2


def test_the_row_of_a_worker_that_died_is_gone_with_it():
    name = slug(Predict(rows("xquad", "test", "ar"), SQUAD_STAGE))
    died = Event(slug(Predict(rows("xquad", "test", "en"), SQUAD_STAGE)), "lost", 0, 0, message="it was killed")
    before = (Event(name, "predict", 3, 8, where="cpu:0"), Event(MNLI, "train", 1, 9, where="cpu:1"))
    assert [line.split()[0] for line in screen(80, *before)] == ["worker", "cpu:0", "cpu:1", "0"]
    assert [line.split()[0] for line in screen(80, *before, died)] == ["worker", "cpu:1", "0"]
    assert plain(*before, died, todo=grid())[-1] == f"! {died.stage}  it was killed"


def test_a_terminal_prints_messages_above_the_board(terminal: Console):
    with show(TODO, terminal) as report:
        report(train(1, message="f1 45.0 [best]"))
    screen = terminal.file.getvalue()
    assert screen.index("f1 45.0 [best]") < screen.index("1/312")


def test_workers_may_report_from_several_threads(terminal: Console):
    todo = tuple(Predict(rows("tydiqa", "test", language), SQUAD_STAGE) for language in ("fi", "sw", "te", "ru"))

    def predict(stage: Predict) -> None:
        for step in range(100):
            report(Event(slug(stage), "predict", step, 100, where=stage.data.language))
        report(Event(slug(stage), DONE, 100, 100, where=stage.data.language))

    with show(todo, terminal) as report:
        threads = [Thread(target=predict, args=(stage,)) for stage in todo]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert terminal.file.getvalue().count("100 sequences") == 4


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "dumb")
    console = Console(file=StringIO(), force_terminal=True, width=100)
    with show(TODO, console, 0.0) as report:
        report(train(1))
        report(train(2))
    lines = few_seconds_as_0(console.file.getvalue()).splitlines()
    assert lines == [f"[1/3] {SQUAD}  train  1/312", f"[1/3] {SQUAD}  train  2/312  0s left"]


def test_the_log_of_a_grid_counts_once_in_a_while():
    lines = plain(train(0), train(1), todo=grid(), quiet=0.0)
    counts = [line for line in lines if " done · " in line]
    assert len(counts) == 1
    assert counts[0].startswith("0 of 34 done · 1 running · 33 waiting · ")


def test_progress_goes_to_stderr_and_is_plain_where_that_is_no_terminal():
    code = (
        "from stilts_xl.cli.progress import show\n"
        "from stilts_xl.core.event import Event\n"
        "with show([]) as report: report(Event('squad-3f9a1c2e', 'train', 1, 2)); print('a table')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert run.stdout == "a table\n"
    assert run.stderr == "[1/0] squad-3f9a1c2e  train  1/2\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (72, "1m 12s"),
        (3599.7, "1h 00m"),
        (7500, "2h 05m"),
        (90000, "25h 00m"),
    ],
)
def test_durations_are_short(seconds: float, text: str):
    assert duration(seconds) == text


numbers = st.none() | st.floats(allow_nan=False)
events = st.builds(Event, st.text(), st.text(), st.integers(), st.integers(), numbers, numbers, numbers, st.text())


@given(event=events)
def test_an_event_survives_its_line(event: Event):
    line = to_json(event)
    assert line.isascii()
    assert "\n" not in line
    assert from_json(line) == event
    assert from_json(line + "\n") == event


def test_a_loss_that_is_not_a_number_survives_its_line():
    found = from_json(to_json(train(1, loss=float("nan"))))
    assert found is not None
    assert str(found.loss) == "nan"


@pytest.mark.parametrize(
    "line", ["", "Warning: x", "null", "[]", "1", "{}", '{"event": 1}', '{"event": {}}', '{"event": "x"}']
)
def test_a_line_that_is_not_an_event_is_none(line: str):
    assert from_json(line) is None


@pytest.mark.parametrize("change", [{"step": "1"}, {"stage": None}, {"loss": "high"}, {"extra": 1}])
def test_a_line_with_wrong_fields_is_none(change: dict[str, object]):
    fields = json.loads(to_json(train(1)))["event"]
    assert from_json(json.dumps({"event": fields | change})) is None
