"""Load parts of tasks in a process of its own, where the address of the Hub is read at import."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from hub_server import run_script
from stilts_xl.core.place import DataPlace

LOAD = """
import json, sys
from dataclasses import asdict, replace
from stilts_xl.core.errors import StiltsError
from stilts_xl.core.identity import digest
from stilts_xl.core.place import DataPlace
from stilts_xl.data.examples import load
from stilts_xl.data.sources import Absent, absent_file, pin
from stilts_xl.tasks.catalog import task_named

asked = json.loads(sys.argv[1])
revision = asked["revision"]
place = DataPlace(**asked["place"])
answers = {}
for name, split, language in asked["parts"]:
    task = task_named(name)
    task = replace(task, hub=replace(task.hub, revision=revision)) if revision else task
    try:
        data = pin(task, split, language, place, 0, str)
        if isinstance(data, Absent):
            raise absent_file(task, split, data, place)
        loaded = load(task, data, place)
        examples = [asdict(example) for example in loaded.examples]
        answer = {"key": digest(data), "source": data.source, "examples": examples, "rows": loaded.rows, "moved": loaded.moved}
    except StiltsError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    answers[f"{name} {split} {language}"] = answer
print(json.dumps(answers))
"""

PARTS = [
    ("tydiqa", "train", "en"),
    ("tydiqa", "test", "fi"),
    ("squad", "train", "en"),
    ("xquad", "test", "el"),
    ("xnli", "test", "sw"),
    ("mnli", "train", "en"),
]


def loaded_apart(
    endpoint: str,
    home: Path,
    place: DataPlace,
    parts: list[tuple[str, str, str]],
    prelude: str = "",
    revision: str = "",
    **environment: str,
) -> dict[str, Any]:
    """What every part gives, or its error; ``revision`` stands in for the commits that the tasks name."""
    asked = {"place": asdict(place), "parts": parts, "revision": revision}
    found: dict[str, Any] = run_script(prelude + LOAD, asked, endpoint, home, **environment)
    return found
