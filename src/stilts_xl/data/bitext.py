"""Sentences and their translations: line-aligned files, Tatoeba in two layouts, and BUCC's two sides with their gold."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stilts_xl.core.task import Files, Row
from stilts_xl.data.lines import Placed, broken, lines_of

QUERY = "query"
CANDIDATE = "candidate"


def parallel(paths: tuple[Path, ...], layout: Files) -> Iterator[Placed]:
    """Rows with 'source' and 'target': the same line of two files."""
    for number, (source, target) in enumerate(zip(*_aligned(paths), strict=True), 1):
        yield f"line {number}", {"source": source.strip(), "target": target.strip(), "file": 0}


def tatoeba(paths: tuple[Path, ...], layout: Files) -> Iterator[Placed]:
    """Both sides of LASER's two aligned files, foreign and English, as XTREME turns them into a search.

    Queries are the English lines sorted by code point, equal ones in file order; candidates the foreign lines in file
    order. Ids are 0-based numbers within the side, and the gold of a query is the line of its translation.
    """
    foreign, english = _aligned(paths)
    order = sorted(range(len(english)), key=lambda line: english[line].strip())
    for rank, line in enumerate(order):
        yield f"line {line + 1}", _sentence(str(rank), english[line], QUERY, [str(line)], 1)
    yield from _side(foreign, CANDIDATE, 0)


def xtreme_bitext(paths: tuple[Path, ...], layout: Files) -> Iterator[Placed]:
    """Both sides of XTREME's own Tatoeba files, foreign and English: the English one is sorted, so gold is hidden."""
    foreign, english = _aligned(paths)
    yield from _side(english, QUERY, 1)
    yield from _side(foreign, CANDIDATE, 0)


def bucc(paths: tuple[Path, ...], layout: Files) -> Iterator[Placed]:
    """Both sides of BUCC's files, foreign and English, with the ids of the third one's pairs as gold if there is one.

    Queries are the foreign side; the gold of one without a translation is empty. A pair that stands twice counts once.
    """
    foreign, english = _numbered(paths[0]), _numbered(paths[1])
    gold = _gold(paths[2], foreign, english) if len(paths) > 2 else None
    for number, (name, text) in enumerate(foreign.items(), 1):
        yield f"line {number}", _sentence(name, text, QUERY, None if gold is None else gold[name], 0)
    for number, (name, text) in enumerate(english.items(), 1):
        yield f"line {number}", _sentence(name, text, CANDIDATE, None, 1)


def _sentence(name: str, text: str, side: str, gold: list[str] | None, file: int) -> Row:
    return {"id": name, "text": text.strip(), "side": side, "gold": gold, "file": file}


def _side(lines: Sequence[str], side: str, file: int) -> Iterator[Placed]:
    for line, text in enumerate(lines):
        yield f"line {line + 1}", _sentence(str(line), text, side, None, file)


def _aligned(paths: tuple[Path, ...]) -> tuple[list[str], list[str]]:
    first, second = (lines_of(path) for path in paths)
    if len(first) != len(second):
        expected = f"as many lines as {paths[0]} has ({len(first):,})"
        raise broken(paths[1], f"line {min(len(first), len(second)) + 1}", expected, f"{len(second):,}")
    return first, second


def _numbered(path: Path) -> dict[str, str]:
    """Id -> sentence, in file order."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines_of(path), 1):
        name, text = _two(path, number, line, "an id, a tab and a sentence")
        if name in found:
            raise broken(path, f"line {number}", "ids that occur once", f"'{name}' again")
        found[name] = text
    return found


def _gold(path: Path, foreign: dict[str, str], english: dict[str, str]) -> dict[str, list[str]]:
    """Foreign id -> ids of its translations, for every foreign sentence."""
    found: dict[str, list[str]] = {name: [] for name in foreign}
    for number, line in enumerate(lines_of(path), 1):
        source, target = _two(path, number, line, "a foreign id, a tab and an English id")
        for name, known in ((source, foreign), (target, english)):
            if name not in known:
                raise broken(path, f"line {number}", "the id of a sentence", f"'{name}', which no sentence has")
        if target not in found[source]:
            found[source].append(target)
    return found


def _two(path: Path, number: int, line: str, expected: str) -> tuple[str, str]:
    fields = line.split("\t")
    if len(fields) != 2 or not all(field.strip() for field in fields):
        raise broken(path, f"line {number}", expected, f"{len(fields)} columns: {line[:60]!r}")
    return fields[0].strip(), fields[1]
