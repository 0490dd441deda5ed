"""Universal Dependencies treebanks as XTREME makes words and tags of them: a fused form is one word with one tag."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stilts_xl.core.task import Files
from stilts_xl.data.lines import LEFT_OUT, Placed, broken, lines_of
from stilts_xl.data.tagged import first_piece

PRECEDENCE = tuple("VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT".split())
"""Which tag a fused form takes where several of its words are equally high in the tree: the first in this list."""
PRECEDENCE_OF: Mapping[str, tuple[str, ...]] = {
    "es": tuple("VERB AUX PRON ADP DET".split()),
    "fr": tuple("VERB AUX PRON NOUN ADJ ADV ADP DET PART SCONJ CONJ".split()),
    "it": tuple("VERB AUX ADV PRON ADP DET INTJ".split()),
}
COLUMNS = 10
ID, FORM, UPOS, HEAD, DEPS = 0, 1, 3, 6, 8


@dataclass
class _Sentence:
    """The lines of a sentence, taken apart."""

    line: int
    comments: list[str]
    words: list[list[str]]
    """Columns of the words 1, 2, 3 …"""
    fused: list[tuple[int, int, str]]
    """(first word, last word, surface form) of what is written as one."""


def conllu(paths: tuple[Path, ...], layout: Files) -> Iterator[Placed]:
    """Rows with 'words', 'tags' and 'document'.

    The document is the treebank and its '# newdoc' where it marks documents, else the treebank and the sentence: its
    '# sent_id', or its number over all files.
    A sentence all of whose words but at most one are '_' (the text is withheld) is left out. Source: XTREME's
    utils_preprocess.py and third_party/ud-conversion-tools.
    """
    number = 0
    for index, path in enumerate(paths):
        treebank, document = path.name.split("-ud-")[0], ""
        for sentence in _sentences(path):
            place = f"line {sentence.line}"
            marks = dict(_comment(line) for line in sentence.comments)
            if "newdoc" in marks or "newdoc id" in marks:
                document = marks.get("newdoc id") or place
            row = {"document": f"{treebank}/{document or marks.get('sent_id') or number}", "file": index}
            words = _fused_words(sentence, _language(path))
            withheld = sum(form == "_" for form, _ in words)
            if withheld and withheld >= len(words) - 1:
                yield place, {LEFT_OUT: "its text is withheld", **row}
            else:
                yield place, row | _without_spaces(path, place, words)
            number += 1


def _language(path: Path) -> str:
    """The language of a treebank, as its file name says."""
    return path.name.partition("_")[0]


def _comment(line: str) -> tuple[str, str]:
    name, _, value = line.removeprefix("#").partition("=")
    return name.strip(), value.strip()


def _sentences(path: Path) -> Iterator[_Sentence]:
    """Sentences whose words are numbered from 1; a blank line must follow each, the last one too."""
    sentence: _Sentence | None = None
    lines = lines_of(path)
    for number, line in enumerate(lines, 1):
        if line:
            sentence = sentence or _Sentence(number, [], [], [])
            if line.startswith("#"):
                sentence.comments.append(line)
            else:
                _add(path, f"line {number}", sentence, line.split("\t"))
        elif sentence is not None:
            _check_whole(path, f"line {number}", sentence)
            yield sentence
            sentence = None
    if sentence is not None:
        raise broken(
            path, f"line {len(lines)}", "a blank line after the last sentence", "none (is the file cut short?)"
        )


def _add(path: Path, place: str, sentence: _Sentence, columns: list[str]) -> None:
    """Add a line's word or fused form; empty nodes, as '8.1', are no words."""
    if len(columns) != COLUMNS:
        raise broken(path, place, f"{COLUMNS} columns", str(len(columns)))
    name, form = columns[ID], columns[FORM].strip()
    following = len(sentence.words) + 1
    first, dash, last = name.partition("-")
    if name == str(following):
        if not form or not columns[HEAD].isdecimal():
            raise broken(path, place, "a form and the number of its head", f"{form!r} and {columns[HEAD]!r}")
        sentence.words.append([form if column == FORM else text for column, text in enumerate(columns)])
    elif dash and first == str(following) and last.isdecimal() and int(last) > following and form:
        if sentence.fused and sentence.fused[-1][1] >= following:
            raise broken(path, place, "fused forms that do not overlap", f"'{name}'")
        sentence.fused.append((following, int(last), form))
    elif "." not in name:
        raise broken(path, place, f"word {following}", f"'{name}'")


def _check_whole(path: Path, place: str, sentence: _Sentence) -> None:
    if not sentence.words:
        raise broken(path, place, "words after the comments", "none")
    if sentence.fused and sentence.fused[-1][1] > len(sentence.words):
        raise broken(path, place, f"word {sentence.fused[-1][1]} of the fused form", f"{len(sentence.words)} words")


def _fused_words(sentence: _Sentence, language: str) -> list[tuple[str, str]]:
    """(form, tag) with each fused form in place of its words, under the tag of the highest of them."""
    heads = [_heads(word) for word in sentence.words]
    fused = {first: (last, form) for first, last, form in sentence.fused}
    found: list[tuple[str, str]] = []
    number = 1
    while number <= len(sentence.words):
        last, form = fused.get(number, (number, sentence.words[number - 1][FORM]))
        highest = _highest(range(number, last + 1), heads, [word[UPOS] for word in sentence.words], language)
        found.append((form, sentence.words[highest - 1][UPOS].strip()))
        number = last + 1
    return found


def _heads(word: list[str]) -> set[int]:
    """A word's heads, those of the enhanced graph with them: the reference reads both into one graph."""
    enhanced = [] if word[DEPS] == "_" else [pair.partition(":")[0] for pair in word[DEPS].split("|")]
    return {int(word[HEAD]), *(int(head) for head in enhanced if head.isdecimal())}


def _highest(span: Sequence[int], heads: list[set[int]], tags: list[str], language: str) -> int:
    """The word of a span with the fewest ancestors; of several the one whose tag comes first in the list.

    The reference stops at a tag that its list lacks; here such a tag comes after all others.
    """
    if len(span) == 1:
        return span[0]
    above = [len(_ancestors(number, heads)) for number in span]
    highest = [number for number, count in zip(span, above, strict=True) if count == min(above)]
    order = PRECEDENCE_OF.get(language, PRECEDENCE)
    return min(highest, key=lambda number: order.index(tags[number - 1]) if tags[number - 1] in order else len(order))


def _ancestors(number: int, heads: list[set[int]]) -> set[int]:
    """All words above one, the root 0 with them."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        current = waiting.pop()
        for head in heads[current - 1] if 0 < current <= len(heads) else ():
            if head not in found:
                found.add(head)
                waiting.append(head)
    return found - {number}


def _without_spaces(path: Path, place: str, words: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Words without spaces and zero-width non-joiners, as the reference writes and then reads them; and their tags."""
    forms = [first_piece(form.replace("\u200c", "").replace(" ", "")) for form, _ in words]
    if not all(forms):
        raise broken(path, place, "words with text", f"only spaces in word {forms.index('') + 1}")
    return {"words": forms, "tags": [tag for _, tag in words]}
