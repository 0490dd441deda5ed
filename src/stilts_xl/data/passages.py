"""SQuAD's nested JSON as flat rows, one a question."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stilts_xl.core.task import Files
from stilts_xl.data.lines import Placed, broken, json_of, text_of


def squad_json(path: Path, layout: Files) -> Iterator[Placed]:
    """Rows with 'id', 'context', 'question', 'answers' as two lists, and 'paragraph' as 'article/paragraph' from 0.

    'is_impossible' is there where the file has it (SQuAD v2).
    """
    whole = json_of(path, text_of(path))
    place = "data"
    try:
        for a, article in enumerate(whole["data"]):
            for p, paragraph in enumerate(article["paragraphs"]):
                context = paragraph["context"]
                for q, qa in enumerate(paragraph["qas"]):
                    place = f"data[{a}].paragraphs[{p}].qas[{q}]"
                    row = _checked_question(path, place, qa, context)
                    yield f"{place} (id {row['id']})", row | {"paragraph": f"{a}/{p}"}
    except (KeyError, TypeError, IndexError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise broken(
            path, f"after {place}", "SQuAD's layout (data, paragraphs, context, qas, answers)", found
        ) from None


def _checked_question(path: Path, place: str, qa: dict[str, Any], context: Any) -> dict[str, Any]:
    answers = {name: [answer[name] for answer in qa["answers"]] for name in ("text", "answer_start")}
    for name, value in (("context", context), ("question", qa["question"])):
        if not isinstance(value, str) or not value.strip():
            raise broken(path, place, f"text as '{name}'", repr(value))
    if not isinstance(qa["id"], str | int):
        raise broken(path, place, "text as 'id'", repr(qa["id"]))
    if not all(isinstance(text, str) for text in answers["text"]):
        raise broken(path, place, "answers with text", repr(answers["text"]))
    if not all(isinstance(start, int) for start in answers["answer_start"]):
        raise broken(path, place, "answers with an integer answer_start", repr(answers["answer_start"]))
    row = {"id": qa["id"], "context": context, "question": qa["question"], "answers": answers}
    if "is_impossible" not in qa:
        return row
    if not isinstance(qa["is_impossible"], bool):
        raise broken(path, place, "true or false as 'is_impossible'", repr(qa["is_impossible"]))
    if qa["is_impossible"] and answers["text"]:
        raise broken(path, place, "no answers to an impossible question", repr(answers["text"]))
    return row | {"is_impossible": qa["is_impossible"]}
