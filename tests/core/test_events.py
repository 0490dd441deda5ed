"""Events cross from one process to another as lines, and nothing else on the way is taken for one."""

import json

import pytest

from stilts_xl.core.errors import unknown
from stilts_xl.core.event import DONE, Event, from_json, to_json

EVENTS = [
    Event("squad-3f9a1c2e", "train", 3, 10, 0.5, 1e-5, 1234.5, "ein Wort: „ü\n中“"),
    Event("squad-3f9a1c2e", DONE, 10, 10),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_comes_back_from_its_line(event: Event) -> None:
    line = to_json(event)
    assert line.isascii() and "\n" not in line
    assert from_json(line) == event


@pytest.mark.parametrize(
    "line",
    ["", "a warning", "{", "[]", "3", "{}", '{"event": 3}', '{"event": {"stage": "x"}}'],
)
def test_other_lines_are_no_events(line: str) -> None:
    assert from_json(line) is None


def test_an_event_with_a_field_of_another_type_is_none() -> None:
    fields = json.loads(to_json(EVENTS[0]))
    fields["event"]["step"] = "3"
    assert from_json(json.dumps(fields)) is None


def test_an_unknown_name_is_answered_with_the_nearest_and_the_list() -> None:
    mistake = unknown("target", "tydqa", ["xnli", "tydiqa"])
    assert str(mistake) == "unknown target 'tydqa'. Did you mean 'tydiqa'?\nknown: tydiqa, xnli"
    assert mistake.exit_code == 2
    assert "Did you mean" not in str(unknown("target", "zzzzzz", ["xnli"]))
