"""Readers of the official file formats: each yields (place in the file, raw row) and names what is broken."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

from stilts_xl.core.task import Files
from stilts_xl.data.bitext import bucc, parallel, tatoeba, xtreme_bitext
from stilts_xl.data.conllu import conllu
from stilts_xl.data.lines import LEFT_OUT, Placed, broken, ends_with_a_line_end, json_of, lines_of, text_of
from stilts_xl.data.passages import squad_json
from stilts_xl.data.tagged import supertags, tagged_tsv

Paths = tuple[Path, ...]
Reader = Callable[[Paths, Files], Iterator[Placed]]


def read(paths: Paths, layout: Files) -> Iterator[Placed]:
    """All rows of a split's files, each with where it stands ('line 12') and all of the layout's columns.

    Raises Mistake naming the file, the line, what was expected and what was found. Every row also has 'row', its
    0-based number over all files, and 'file', the index of its path; with several files the place begins with the path.
    A row with 'left_out' is no part of the official set, and need not have the columns.
    """
    for number, (place, row) in enumerate(READERS[layout.format](paths, layout)):
        absent = [column for column in layout.columns if column not in row and column not in layout.optional]
        if absent and LEFT_OUT not in row:
            raise broken(paths[row["file"]], place, f"a row with {', '.join(layout.columns)}", f"no '{absent[0]}'")
        yield place if len(paths) == 1 else f"{paths[row['file']]}, {place}", {**row, "row": number}


def rows_of_split(placed: Iterator[Placed], split: str, held_out: int) -> Iterator[Placed]:
    """The split's own rows of text without official splits: every so many-th is validation; all where ``held_out`` is 0.

    A row keeps its number, and so its id, whichever split it falls into.
    """
    for place, row in placed:
        if not held_out or (row["row"] % held_out == held_out - 1) == (split == "validation"):
            yield place, row


def _each(reader: Callable[[Path, Files], Iterator[Placed]]) -> Reader:
    """A reader of one file as a reader of several, one after another."""

    def read_all(paths: Paths, layout: Files) -> Iterator[Placed]:
        for index, path in enumerate(paths):
            for place, row in reader(path, layout):
                yield place, {**row, "file": index}

    return read_all


def _jsonl(path: Path, layout: Files) -> Iterator[Placed]:
    for number, line in enumerate(lines_of(path), 1):
        if line.strip():
            row = json_of(path, line, number)
            if not isinstance(row, dict):
                raise broken(path, f"line {number}", "a JSON object", type(row).__name__)
            yield f"line {number}", row


def _tsv(path: Path, layout: Files) -> Iterator[Placed]:
    """Tab-separated without a header; csv quoting is undone where the whole file has it (XNLI, PAWS-X)."""
    lines = lines_of(path)
    quoted = _is_quoted(path, lines)
    most = len(layout.columns)
    least = most - len(layout.optional)
    for number, line in enumerate(lines, 1):
        fields = [_unquoted(field) if quoted else field for field in line.split("\t")]
        if not least <= len(fields) <= most:
            wanted = f"{most} columns" if least == most else f"{least} to {most} columns"
            raise broken(
                path, f"line {number}", f"{wanted} ({', '.join(layout.columns)})", f"{len(fields)}: {line[:60]!r}"
            )
        least = most = len(fields)  # a publisher strips a column from all lines or from none
        yield f"line {number}", dict(zip(layout.columns, fields, strict=False))


def _is_quoted(path: Path, lines: list[str]) -> bool:
    """Whether Python's csv writer made the file: every field with a quote is wrapped, and its quotes are doubled.

    A last line that alone is otherwise, and has no line end, was cut within its quotes: that file is refused, as the
    quotes of all other lines would be taken for text.
    """
    wrapped = [_is_wrapped(line) for line in lines if '"' in line]
    last_alone = len(wrapped) > 1 and all(wrapped[:-1]) and not wrapped[-1] and '"' in lines[-1]
    if last_alone and not ends_with_a_line_end(path):
        raise broken(path, f"line {len(lines)}", "a closing quote", f"{lines[-1][-60:]!r} (is the file cut short?)")
    return bool(wrapped) and all(wrapped)


def _is_wrapped(line: str) -> bool:
    """Whether every field with a quote is wrapped in quotes, and those within it are doubled."""
    return all(
        len(field) >= 2 and field[0] == field[-1] == '"' and '"' not in field[1:-1].replace('""', "")
        for field in line.split("\t")
        if '"' in field
    )


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if '"' in field else field


def _tsv_header(path: Path, layout: Files) -> Iterator[Placed]:
    """Tab-separated with a header line and no quoting, as GLUE's files."""
    return _below_header(path, lines_of(path), quoted=False)


def _pawsx_tsv(path: Path, layout: Files) -> Iterator[Placed]:
    """Tab-separated with a header line; csv quoting, which some copies have, is undone where the whole file has it."""
    lines = lines_of(path)
    return _below_header(path, lines, _is_quoted(path, lines))


def _below_header(path: Path, lines: list[str], quoted: bool) -> Iterator[Placed]:
    header = lines[0].split("\t") if lines else []
    for number, line in enumerate(lines[1:], 2):
        fields = [_unquoted(field) if quoted else field for field in line.split("\t")]
        if len(fields) != len(header):
            raise _unlike_header(path, number, header, len(fields), line)
        yield f"line {number}", dict(zip(header, fields, strict=True))


def _glue_tsv(path: Path, layout: Files) -> Iterator[Placed]:
    """QQP as GLUE has it: as tsv_header, but its training file holds a few questions that a line break tears apart.

    Such a piece has too few columns. The readers that everybody uses pass over it (363,846 rows remain), and so it is
    left out and counted here. More than one in a thousand of them, or a piece at the end of a file that lacks its last
    line end, is a damaged file.
    """
    lines = lines_of(path)
    header = lines[0].split("\t") if lines else []
    whole = ends_with_a_line_end(path)
    pieces = 0
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) == len(header):
            yield f"line {number}", dict(zip(header, fields, strict=True))
            continue
        pieces += 1
        if len(fields) > len(header) or pieces > max(3, len(lines) // 1000) or (number == len(lines) and not whole):
            raise _unlike_header(path, number, header, len(fields), line)
        yield f"line {number}", {LEFT_OUT: "torn apart by a line break"}


def _unlike_header(path: Path, number: int, header: list[str], found: int, line: str) -> Exception:
    return broken(path, f"line {number}", f"{len(header)} columns as in the header", f"{found}: {line[:60]!r}")


def _csv(path: Path, layout: Files) -> Iterator[Placed]:
    """Comma-separated with a header line; quoted fields may hold commas, doubled quotes and line ends (Cosmos QA)."""
    reader = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    header: list[str] = []
    place = "line 1"
    try:
        header = next(reader, [])
        while True:
            place = f"line {reader.line_num + 1}"
            fields = next(reader, None)
            if fields is None:
                return
            if fields and len(fields) != len(header):
                found = f"{len(fields)}: {','.join(fields)[:60]!r}"
                raise broken(path, place, f"{len(header)} columns as in the header", found)
            if fields:
                yield place, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise broken(path, place, "a row of comma-separated fields", f"{error} (is the file cut short?)") from None


def _text(path: Path, layout: Files) -> Iterator[Placed]:
    """A sentence or paragraph a line; blank lines are none."""
    for number, line in enumerate(lines_of(path), 1):
        if line.strip():
            yield f"line {number}", {"text": line.strip()}


READERS: dict[str, Reader] = {
    "jsonl": _each(_jsonl),
    "tsv": _each(_tsv),
    "tsv_header": _each(_tsv_header),
    "glue_tsv": _each(_glue_tsv),
    "pawsx_tsv": _each(_pawsx_tsv),
    "csv": _each(_csv),
    "squad_json": _each(squad_json),
    "supertags": _each(supertags),
    "text": _each(_text),
    "tagged_tsv": _each(tagged_tsv),
    "conllu": conllu,
    "parallel": parallel,
    "tatoeba": tatoeba,
    "xtreme_bitext": xtreme_bitext,
    "bucc": bucc,
}
