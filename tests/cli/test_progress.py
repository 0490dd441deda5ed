"""While stages run, a terminal shows a live line each, and a log gets few plain ones; events travel as lines."""

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

from stilts_xl.cli.progress import duration, show
from stilts_xl.core.event import DONE, FAILED, Event, from_json, to_json

SQUAD = "squad-3f9a1c2e"
NEVER = 1e9


def train(step: int, total: int = 312, **more: object) -> Event:
    return Event(SQUAD, "train", step, total, **more)


def plain(*events: Event, stages: int = 3, quiet: float = NEVER) -> list[str]:
    """The lines that a log gets, with times of a few seconds written as 0s."""
    console = Console(file=StringIO(), force_terminal=False, width=60)
    with show(stages, console, quiet) as report:
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
    second = Event("mnli-81c07d55", "train", 0, 9)
    lines = plain(train(0), second, Event(SQUAD, FAILED, 0, 0), train(0))
    assert [line.split()[0] for line in lines] == ["[1/3]", "[2/3]", "✗", "[1/3]"]


def test_a_validation_between_steps_does_not_hide_the_training_loss():
    lines = plain(train(5, loss=0.0312), Event(SQUAD, "validate", 1, 10), quiet=0.0)
    assert lines[1] == f"[1/3] {SQUAD}  validate  1/10  loss 0.031"


def test_a_failed_stage_says_how_far_it_came():
    lines = plain(train(120), Event(SQUAD, FAILED, 0, 0, message="out of memory"))
    assert lines[1:] == [f"{SQUAD}  out of memory", f"✗ {SQUAD}  stopped at train 120/312  0s"]


def test_a_stage_that_fails_before_its_first_step_says_so():
    assert plain(Event(SQUAD, FAILED, 0, 0, message="no such file"))[1:] == [f"✗ {SQUAD}  failed at its start  0s"]


def test_the_data_check_is_no_stage_and_is_told_once():
    check = [Event("data", "check", number, 3) for number in (1, 2, 3)]
    assert plain(*check, Event("data", DONE, 3, 3), train(0))[:2] == [
        "✓ data  3 splits  0s",
        f"[1/3] {SQUAD}  train  0/312",
    ]


def ended_by(error: BaseException, *events: Event) -> list[str]:
    """The lines of a log whose run an error ends after some events."""
    console = Console(file=StringIO(), force_terminal=False, width=100)

    def run() -> None:
        with show(2, console, NEVER) as report:
            for event in events:
                report(event)
            raise error

    with pytest.raises(type(error)):
        run()
    return few_seconds_as_0(console.file.getvalue()).splitlines()


def test_an_error_in_the_data_speaks_for_itself():
    assert ended_by(ValueError("line 3"), Event("data", "check", 1, 3)) == []


def test_a_log_hears_of_a_prediction_when_it_is_over_or_lasts():
    done = Event("tydiqa-fi-77ab01c2", DONE, 800, 800)
    predict = [Event("tydiqa-fi-77ab01c2", "predict", number, 800) for number in (200, 800)]
    assert plain(*predict, done) == ["✓ tydiqa-fi-77ab01c2  800 sequences  0s"]
    assert len(plain(*predict, done, quiet=0.0)) == 3


def test_an_interruption_says_how_far_every_running_stage_came():
    assert ended_by(KeyboardInterrupt(), train(120), Event("mnli-81c07d55", "train", 7, 9))[2:] == [
        f"✗ {SQUAD}  stopped at train 120/312  0s",
        "✗ mnli-81c07d55  stopped at train 7/9  0s",
    ]


def test_a_terminal_shows_a_bar_while_a_stage_runs_and_one_line_after_it(terminal: Console):
    with show(3, terminal) as report:
        report(train(120, loss=2.31, tokens_per_second=8123.4))
        report(Event("mnli-81c07d55", "train", 0, 9))
        report(Event("mnli-81c07d55", DONE, 9, 9))
    screen = terminal.file.getvalue()
    for part in ("1/3", SQUAD, "train", "━", "120/312", "loss 2.31", "8.1k tok/s"):
        assert part in screen
    assert "mnli-81c07d55  9 steps" in screen


def test_a_terminal_prints_messages_above_the_bars(terminal: Console):
    with show(1, terminal) as report:
        report(train(1, message="f1 45.0 [best]"))
    screen = terminal.file.getvalue()
    assert screen.index("f1 45.0 [best]") < screen.index("1/312")


def test_stages_may_report_from_several_threads(terminal: Console):
    def predict(language: str) -> None:
        for step in range(100):
            report(Event(f"tydiqa-{language}-77ab01c2", "predict", step, 100))
        report(Event(f"tydiqa-{language}-77ab01c2", DONE, 100, 100))

    with show(4, terminal) as report:
        threads = [Thread(target=predict, args=(language,)) for language in ("fi", "sw", "te", "ru")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert terminal.file.getvalue().count("100 sequences") == 4


def test_progress_goes_to_stderr_and_is_plain_where_that_is_no_terminal():
    code = (
        "from stilts_xl.cli.progress import show\n"
        "from stilts_xl.core.event import Event\n"
        "with show(1) as report: report(Event('squad-3f9a1c2e', 'train', 1, 2)); print('a table')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert run.stdout == "a table\n"
    assert run.stderr == "[1/1] squad-3f9a1c2e  train  1/2\n"


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
