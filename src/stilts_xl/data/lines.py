"""Official files as text, lines and JSON, and the errors that name a place in them."""

import json
from pathlib import Path
from typing import Any

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Row

Placed = tuple[str, Row]
"""Where a row stands, as 'line 12', and the row."""

LEFT_OUT = "left_out"
"""The key of a row that is no part of the official set; its value says why, and nothing makes an example of it."""


def broken(path: Path, place: str, expected: str, found: str) -> Mistake:
    """The error for a file that is not as its official layout says."""
    return Mistake(f"{path}, {place}: expected {expected}, found {found}")


def text_of(path: Path) -> str:
    """The whole file, which must be UTF-8, with or without a byte order mark."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise broken(path, f"byte {error.start}", "UTF-8 text", f"0x{error.object[error.start]:02x}") from None
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}") from None
    if "\0" in text:  # UTF-16 without a mark is valid UTF-8 where its characters are ASCII
        raise broken(path, f"character {text.index(chr(0))}", "UTF-8 text", "a zero byte (is it UTF-16?)")
    return text


def lines_of(path: Path) -> list[str]:
    """Lines without their ends; only LF and CR LF end a line, other separators are text."""
    text = text_of(path)
    if "\r" in text and "\n" not in text:
        raise broken(path, "line 1", "lines that end with LF or CR LF", "CR alone")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def ends_with_a_line_end(path: Path) -> bool:
    """Whether the last line is a whole one as far as can be told; a file that was cut seldom is."""
    return text_of(path).endswith("\n")


def json_of(path: Path, text: str, line: int = 0) -> Any:
    """The JSON value of a file's text, or of its 1-based line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {line or error.lineno}, column {error.colno}"
        raise broken(path, place, "JSON", f"{error.msg} (is the file cut short?)") from None
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, or brackets without end
        raise broken(path, f"line {line or 1}", "JSON", str(error)) from None
