"""A world's sizes, and what every part of it writes: a path below the folder, and the text of that file."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stilts_xl.data.world.language import Language

Files = Iterator[tuple[str, str]]
"""(path below the root, text)."""
Languages = Mapping[str, Language]


@dataclass(frozen=True)
class World:
    """What a world is made from, beside its language files."""

    seed: int
    train: int
    """Rows of each task and language, of SQuAD paragraphs with four questions each; the next two are rows too."""
    validation: int
    test: int
    text: int
    """Lines of running text, and pairs of sentences, in each language."""

    def rows(self, split: str) -> int:
        """How many rows a split has."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


def present(codes: Sequence[str], languages: Languages) -> list[Language]:
    """Those of a task's languages that there are."""
    return [languages[code] for code in codes if code in languages]


def jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    """A JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tsv(rows: Iterable[Sequence[str]]) -> str:
    """Fields with tabs between them, a row a line."""
    return lines("\t".join(row) for row in rows)


def lines(texts: Iterable[str]) -> str:
    """A text a line."""
    return "".join(text + "\n" for text in texts)
