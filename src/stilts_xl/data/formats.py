"""Readers of the official file formats: each yields (place in the file, raw row) and names what is broken."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files, Row

Placed = tuple[str, Row]


def read(path: Path, layout: Files) -> Iterator[Placed]:
    """All rows of a file, each with where it stands ('line 12') and all of the layout's columns.

    Raises Mistake naming the file, the line, what was expected and what was found. Every row also has 'row', its
    0-based number.
    """
    for number, (place, row) in enumerate(READERS[layout.format](path, layout)):
        absent = [column for column in layout.columns if column not in row and column not in layout.optional]
        if absent:
            raise broken(path, place, f"a row with {', '.join(layout.columns)}", f"no '{absent[0]}'")
        yield place, {**row, "row": number}


def broken(path: Path, place: str, expected: str, found: str) -> Mistake:
    """The error for a file that is not as its official layout says."""
    return Mistake(f"{path}, {place}: expected {expected}, found {found}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise broken(path, f"byte {error.start}", "UTF-8 text", f"0x{error.object[error.start]:02x}") from None
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}") from None


def _lines(path: Path) -> list[str]:
    """Lines without their ends; only LF and CR LF end a line, other separators are text."""
    lines = _text(path).split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _json(path: Path, text: str, line: int = 0) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {line or error.lineno}, column {error.colno}"
        raise broken(path, place, "JSON", f"{error.msg} (is the file cut short?)") from None


def _jsonl(path: Path, layout: Files) -> Iterator[Placed]:
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            row = _json(path, line, number)
            if not isinstance(row, dict):
                raise broken(path, f"line {number}", "a JSON object", type(row).__name__)
            yield f"line {number}", row


def _tsv(path: Path, layout: Files) -> Iterator[Placed]:
    """Tab-separated without a header; csv quoting is undone where the whole file has it (XNLI, PAWS-X)."""
    lines = _lines(path)
    quoted = _is_quoted(lines)
    most = len(layout.columns)
    least = most - len(layout.optional)
    for number, line in enumerate(lines, 1):
        fields = (
            next(csv.reader([line], dialect="excel-tab", strict=True)) if quoted and '"' in line else line.split("\t")
        )
        if not least <= len(fields) <= most:
            wanted = f"{most} columns" if least == most else f"{least} to {most} columns"
            raise broken(
                path, f"line {number}", f"{wanted} ({', '.join(layout.columns)})", f"{len(fields)}: {line[:60]!r}"
            )
        yield f"line {number}", dict(zip(layout.columns, fields, strict=False))


def _is_quoted(lines: list[str]) -> bool:
    """Whether Python's csv writer made the file: every field with a quote is wrapped, and its quotes are doubled."""
    fields = [field for line in lines if '"' in line for field in line.split("\t") if '"' in field]
    return bool(fields) and all(
        len(field) >= 2 and field[0] == field[-1] == '"' and '"' not in field[1:-1].replace('""', "")
        for field in fields
    )


def _tsv_header(path: Path, layout: Files) -> Iterator[Placed]:
    """Tab-separated with a header line and no quoting, as GLUE's files."""
    lines = _lines(path)
    header = lines[0].split("\t") if lines else []
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != len(header):
            raise broken(
                path, f"line {number}", f"{len(header)} columns as in the header", f"{len(fields)}: {line[:60]!r}"
            )
        yield f"line {number}", dict(zip(header, fields, strict=True))


def _squad_json(path: Path, layout: Files) -> Iterator[Placed]:
    """SQuAD's nested JSON as flat rows; 'paragraph' is 'article/paragraph', counted from 0."""
    whole = _json(path, _text(path))
    place = "data"
    try:
        for a, article in enumerate(whole["data"]):
            for p, paragraph in enumerate(article["paragraphs"]):
                context = paragraph["context"]
                for q, qa in enumerate(paragraph["qas"]):
                    place = f"data[{a}].paragraphs[{p}].qas[{q}]"
                    answers = qa["answers"]
                    flat = {name: [answer[name] for answer in answers] for name in ("text", "answer_start")}
                    yield place, _checked_question(path, place, qa, context, flat) | {"paragraph": f"{a}/{p}"}
    except (KeyError, TypeError, IndexError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise broken(
            path, f"after {place}", "SQuAD's layout (data, paragraphs, context, qas, answers)", found
        ) from None


def _checked_question(
    path: Path, place: str, qa: dict[str, Any], context: Any, answers: dict[str, list[Any]]
) -> dict[str, Any]:
    for name, value in (("context", context), ("question", qa["question"])):
        if not isinstance(value, str) or not value.strip():
            raise broken(path, place, f"text as '{name}'", repr(value))
    if not all(isinstance(text, str) for text in answers["text"]):
        raise broken(path, place, "answers with text", repr(answers["text"]))
    if not all(isinstance(start, int) for start in answers["answer_start"]):
        raise broken(path, place, "answers with an integer answer_start", repr(answers["answer_start"]))
    return {"id": qa["id"], "context": context, "question": qa["question"], "answers": answers}


READERS = {"jsonl": _jsonl, "tsv": _tsv, "tsv_header": _tsv_header, "squad_json": _squad_json}
