"""XTREME's submission layout, DIR/TASK/test-LANGUAGE.{tsv,json}: read as prediction rows, and written from them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import Mistake, StiltsError, unknown
from stilts_xl.core.task import Row, Task
from stilts_xl.data.lines import broken, json_of, lines_of, text_of

UNANSWERED = "\U0010ffff"
"""The prediction of a question without an answer: no character of any text, so it matches no gold, not even an empty one."""

Read = Callable[[Path, Path, Task], list[dict[str, Any]]]
"""(prediction file, label file, task) -> rows {'id', 'prediction', 'gold'} for the task's scorer."""
Write = Callable[[Sequence[Row]], str]
"""Rows in file order -> a file's text."""
_ROW_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class Layout:
    """How the files of a task look."""

    suffix: str
    read: Read
    predictions: Write
    labels: Write


def file_of(folder: Path, task: Task, language: str) -> Path:
    """Where the test file of a language stands below a folder of predictions or labels.

    Raises Mistake for a task that the layout does not have.
    """
    return folder / task.name / f"test-{language}.{_layout(task).suffix}"


def read_rows(predictions: Path, labels: Path, task: Task, language: str) -> list[dict[str, Any]]:
    """Rows {'id', 'prediction', 'gold'} of one language, in the label file's order, from two folders.

    Raises Mistake naming the file, what was expected and what was found: a file that is not there, another length than
    the labels', an empty line, a word that is none of the task's labels, a Tatoeba line that is no row number, a BUCC
    line that is no pair, broken JSON. A question without an answer is no error: its prediction is UNANSWERED. Of BUCC
    there is one row for each distinct pair of either file.
    """
    return _layout(task).read(file_of(predictions, task, language), file_of(labels, task, language), task)


def write_predictions(folder: Path, task: Task, language: str, rows: Sequence[Row]) -> Path:
    """Write the predictions of one language, and say where. ``rows`` are those of the whole test set, in its order."""
    return _write(file_of(folder, task, language), _layout(task).predictions(rows))


def write_labels(folder: Path, task: Task, language: str, rows: Sequence[Row]) -> Path:
    """Write the gold of prediction rows as a label file, and say where; questions and passages are left empty.

    Raises StiltsError where a row has no gold.
    """
    hidden = [row["id"] for row in rows if row["gold"] is None]
    if hidden:
        raise StiltsError(
            f"{task.name} ({language}): {len(hidden)} of {len(rows)} rows have no gold, the first is '{hidden[0]}'\n"
            "labels can be written only where the publisher does not hide them"
        )
    return _write(file_of(folder, task, language), _layout(task).labels(rows))


def _layout(task: Task) -> Layout:
    if task.name not in LAYOUTS:
        raise unknown("task in XTREME's submission layout", task.name, LAYOUTS)
    return LAYOUTS[task.name]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _stripped(path: Path) -> list[str]:
    return [line.strip() for line in lines_of(path)]


def _labels(path: Path) -> list[str]:
    """Lines of a label file, at least one."""
    lines = _stripped(path)
    if not lines:
        raise Mistake(f"{path}: expected labels, found an empty file")
    return lines


def _require_known(path: Path, number: int, label: str, task: Task) -> None:
    if label not in task.labels:
        found = repr(label[:60]) if label else "an empty line"
        raise broken(path, f"line {number}", f"one of {', '.join(task.labels)}", found)


def _require_equal(predictions: Path, labels: Path, found: int, expected: int, things: str, hint: str = "") -> None:
    if found != expected:
        raise Mistake(f"{predictions}: expected {expected} {things} as in {labels}, found {found}{hint}")


def _paired(found: Sequence[Any], wanted: Sequence[Any]) -> list[dict[str, Any]]:
    pairs = zip(found, wanted, strict=True)
    return [{"id": str(number), "prediction": ours, "gold": gold} for number, (ours, gold) in enumerate(pairs)]


def _read_labels(predictions: Path, labels: Path, task: Task) -> list[dict[str, Any]]:
    """One label a line."""
    found, wanted = _stripped(predictions), _labels(labels)
    for path, lines in ((labels, wanted), (predictions, found)):
        for number, label in enumerate(lines, 1):
            _require_known(path, number, label, task)
    _require_equal(predictions, labels, len(found), len(wanted), "lines")
    return _paired(found, wanted)


def _read_tags(predictions: Path, labels: Path, task: Task) -> list[dict[str, Any]]:
    """One tag a line, a blank line after a sentence; every word of every sentence."""
    wanted, found = _sentences(labels, task), _sentences(predictions, task)
    if not any(tags for _, tags in wanted):
        raise Mistake(f"{labels}: expected tags, found none")
    empty = next((line for line, tags in found if not tags), 0)
    hint = f"; the blank line {empty} ends an empty one" if empty else ""
    _require_equal(predictions, labels, len(found), len(wanted), "sentences", hint)
    for (line, tags), (_, gold) in zip(found, wanted, strict=True):
        if len(tags) != len(gold):
            expected = f"a sentence of {len(gold)} tags as in {labels}"
            raise broken(predictions, f"line {line}", expected, f"{len(tags)}; every word needs its tag")
    return _paired([tags for _, tags in found if tags], [tags for _, tags in wanted if tags])


def _sentences(path: Path, task: Task) -> list[tuple[int, list[str]]]:
    """(line where it starts, tags) of each sentence. As in the reference, a blank line ends one even if it is empty."""
    ended: list[tuple[int, list[str]]] = []
    start, tags = 1, list[str]()
    for number, tag in enumerate(_stripped(path), 1):
        if tag:
            _require_known(path, number, tag, task)
            tags.append(tag)
        else:
            ended.append((start, tags))
            start, tags = number + 1, []
    return [*ended, (start, tags)] if tags else ended


def _read_places(predictions: Path, labels: Path, task: Task) -> list[dict[str, Any]]:
    """Tatoeba: of each English sentence the 0-based row of its translation in the foreign file."""
    found, wanted = _stripped(predictions), _labels(labels)
    for path, lines in ((labels, wanted), (predictions, found)):
        for number, line in enumerate(lines, 1):
            if not _ROW_NUMBER.fullmatch(line):
                raise broken(path, f"line {number}", "a row number as 308, counted from 0", repr(line[:60]))
    _require_equal(predictions, labels, len(found), len(wanted), "lines")
    return _paired(found, [[place] for place in wanted])


def _read_pairs(predictions: Path, labels: Path, task: Task) -> list[dict[str, Any]]:
    """BUCC: two sets of pairs of ids; one row a distinct pair, so that their counts are those of the sets."""
    found, wanted = _pairs(predictions, _stripped(predictions)), _pairs(labels, _labels(labels))
    return [
        {
            "id": source,
            "prediction": target if (source, target) in found else "",
            "gold": [target] if (source, target) in wanted else [],
        }
        for source, target in found | wanted
    ]


def _pairs(path: Path, lines: Sequence[str]) -> dict[tuple[str, str], None]:
    """Distinct pairs in the order of the file."""
    pairs: dict[tuple[str, str], None] = {}
    for number, line in enumerate(lines, 1):
        ids = line.split("\t")
        if len(ids) != 2 or not all(ids):
            found = repr(line[:60]) if line else "an empty line"
            raise broken(path, f"line {number}", "two ids with a tab between them", found)
        pairs[ids[0], ids[1]] = None
    return pairs


def _read_answers(predictions: Path, labels: Path, task: Task) -> list[dict[str, Any]]:
    """Questions in SQuAD's layout, and {id: answer}."""
    answers = json_of(predictions, text_of(predictions))
    if not isinstance(answers, dict):
        raise broken(predictions, "the whole file", "a JSON object {question id: answer}", _kind(answers))
    for name, answer in answers.items():
        if not isinstance(answer, str):
            raise broken(predictions, f"question '{name}'", "an answer as text", _kind(answer))
    golds = _golds(labels)
    if not any(text for _, gold in golds for text in gold):
        raise Mistake(
            f"{labels}: expected gold answers, found {len(golds)} questions and no answer's text\n"
            "XTREME's download script empties the test files; take the labels from the official source"
        )
    return [{"id": name, "prediction": answers.get(name, UNANSWERED), "gold": gold} for name, gold in golds]


def _golds(path: Path) -> list[tuple[str, list[str]]]:
    """(question's id, its gold answers) of a SQuAD file; the rest of it may be absent."""
    whole = json_of(path, text_of(path))
    golds: list[tuple[str, list[str]]] = []
    try:
        for article in whole["data"]:
            for paragraph in article["paragraphs"]:
                golds += [(str(qa["id"]), [answer["text"] for answer in qa["answers"]]) for qa in paragraph["qas"]]
    except (KeyError, TypeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        place = f"after question {len(golds)}"
        raise broken(path, place, "SQuAD's layout (data, paragraphs, qas, id, answers, text)", found) from None
    for name, texts in golds:
        if not texts or not all(isinstance(text, str) for text in texts):
            raise broken(path, f"question '{name}'", "at least one gold answer as text", repr(texts)[:60])
    return golds


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _write_answers(rows: Sequence[Row]) -> str:
    answers = {row["id"]: row["prediction"] for row in rows if row["prediction"] != UNANSWERED}
    return _json(rows, answers)


def _write_golds(rows: Sequence[Row]) -> str:
    paragraphs = []
    for row in rows:
        answers = [{"text": text, "answer_start": 0} for text in row["gold"]]
        paragraphs.append({"context": "", "qas": [{"id": row["id"], "question": "", "answers": answers}]})
    return _json(rows, {"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})


def _json(rows: Sequence[Row], value: Any) -> str:
    repeated = [name for name, times in Counter(row["id"] for row in rows).items() if times > 1]
    if repeated:
        raise StiltsError(f"the question id '{repeated[0]}' stands in several rows; a file of answers holds it once")
    return json.dumps(value, indent=1) + "\n"


def _lines(values: Iterable[str]) -> str:
    return "".join(f"{value}\n" for value in values)


def _write_tags(column: str) -> Write:
    return lambda rows: "\n".join(_lines(row[column]) for row in rows)


def _write_column(column: str) -> Write:
    return lambda rows: _lines(row[column] for row in rows)


def _write_first_golds(rows: Sequence[Row]) -> str:
    return _lines(row["gold"][0] for row in rows)


def _write_found_pairs(rows: Sequence[Row]) -> str:
    return _lines(f"{row['id']}\t{row['prediction']}" for row in rows if row["prediction"])


def _write_gold_pairs(rows: Sequence[Row]) -> str:
    return _lines(f"{row['id']}\t{target}" for row in rows for target in row["gold"])


LABELS = Layout("tsv", _read_labels, _write_column("prediction"), _write_column("gold"))
TAGS = Layout("tsv", _read_tags, _write_tags("prediction"), _write_tags("gold"))
PLACES = Layout("tsv", _read_places, _write_column("prediction"), _write_first_golds)
PAIRS = Layout("tsv", _read_pairs, _write_found_pairs, _write_gold_pairs)
ANSWERS = Layout("json", _read_answers, _write_answers, _write_golds)

LAYOUTS: Mapping[str, Layout] = {
    "xnli": LABELS,
    "pawsx": LABELS,
    "udpos": TAGS,
    "panx": TAGS,
    "xquad": ANSWERS,
    "mlqa": ANSWERS,
    "tydiqa": ANSWERS,
    "bucc2018": PAIRS,
    "tatoeba": PLACES,
}
