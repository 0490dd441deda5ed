"""Sentences whose words are tagged, a word a line (XTREME's udpos and panx, raw PAN-X) or a sentence a line (CCG)."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files
from stilts_xl.data.lines import LEFT_OUT, Placed, broken, lines_of

PREFIX = re.compile(r"([a-z]{2,3}(?:-[a-z]+)*):")
"""The language that begins every line of a raw PAN-X file, as 'sw:' or 'zh-min-nan:'."""


def tagged_tsv(path: Path, layout: Files) -> Iterator[Placed]:
    """Rows with 'words' and 'tags', one a sentence.

    A line is a word, a tab and its tag; where the layout's tags are optional, all lines of a file may be words alone, and
    'tags' is None. A blank line ends a sentence. In a raw PAN-X file (see ``_is_raw``) the language before the first ':' is
    removed, and a word without ':' dropped, as XTREME's preprocessing does.
    """
    lines = lines_of(path)
    raw, tagged = _is_raw(lines), "tags" not in layout.optional or any("\t" in line for line in lines)
    for first, block in _blocks(lines):
        found = [_word(path, first + offset, line, tagged, raw) for offset, line in enumerate(block)]
        kept = [pair for pair in found if pair is not None]
        row = {"words": [word for word, _ in kept], "tags": [tag for _, tag in kept] if tagged else None}
        yield f"line {first}", row if kept else {LEFT_OUT: "no word with ':'"}


def first_piece(word: str) -> str:
    """What the reference reads of a word: up to its first whitespace, which may be a no-break space; '' if nothing.

    Its preprocessing splits a line at any whitespace. The word's tag stays what the file says, which is what is scored.
    """
    return next(iter(word.split()), "")


def _is_raw(lines: list[str]) -> bool:
    """Whether a file is as PAN-X was published: more than half of its lines begin with the same language and ':'.

    One line tells nothing, as words such as ':' or 'http://…' occur in files that are already converted.
    """
    words = [line for line in lines if line.strip()]
    prefixes = Counter(found.group(1) for line in words if (found := PREFIX.match(line)))
    return bool(prefixes) and 2 * prefixes.most_common(1)[0][1] > len(words)


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, lines) of what stands between blank lines."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _word(path: Path, number: int, line: str, tagged: bool, raw: bool) -> tuple[str, str] | None:
    fields = line.split("\t")
    if len(fields) != (2 if tagged else 1):
        expected = "a word, a tab and its tag" if tagged else "a word"
        raise broken(path, f"line {number}", expected, f"{len(fields)} columns: {line[:60]!r}")
    word, tag = fields[0], fields[-1].strip()
    if raw:
        _, colon, word = word.partition(":")
        if not colon:
            return None
    if not first_piece(word):
        raise broken(path, f"line {number}", "a word", repr(line[:60]))
    if tagged and not tag:
        raise broken(path, f"line {number}", "a tag after the word", repr(line[:60]))
    return first_piece(word), tag


def supertags(path: Path, layout: Files) -> Iterator[Placed]:
    """Rows with 'words' and 'tags' from lines of words, a tab and as many tags, both separated by single spaces."""
    for number, line in enumerate(lines_of(path), 1):
        yield f"line {number}", _supertagged(path, number, line)


def _supertagged(path: Path, number: int, line: str) -> dict[str, list[str]]:
    fields = line.strip(" ").split("\t")
    if len(fields) != 2:
        raise broken(path, f"line {number}", "words, a tab and their tags", f"{len(fields)} columns: {line[:60]!r}")
    words, tags = (field.strip(" ").split(" ") for field in fields)
    if len(words) != len(tags) or not all(words) or not all(tags):
        raise _uneven(path, number, words, tags)
    return {"words": words, "tags": tags}


def _uneven(path: Path, number: int, words: list[str], tags: list[str]) -> Mistake:
    found = f"{sum(map(bool, words))} words and {sum(map(bool, tags))} tags"
    return broken(path, f"line {number}", "as many tags as words, with one space between two", found)
