"""Damaged files of every format: cut, repeated, mis-encoded, with columns lost or added, or with stray bytes.

What is read is provably what the file still says, or the file is named in a Mistake. A file that was cut where a line
ends is a valid shorter file in the formats of independent lines, and nothing can be wrong with it. Where the last
line has no end it may be torn, and where its text could be anything (a sentence, a word) that cannot be told.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Example, TagExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import pin
from stilts_xl.tasks.catalog import task_named

Atom = tuple[tuple[str, Any], ...]
"""The fields of an example, or of a word and its tag."""


@dataclass(frozen=True)
class Case:
    """Whole files of a format."""

    name: str
    task: str
    split: str
    language: str
    files: dict[str, tuple[str, ...]]
    """Path -> pieces, each of which holds one example, word or pair; what is no such piece begins the first of them."""
    torn: bool
    """Whether a last line without its end may be taken for a shorter one, or for one whose label is hidden."""
    separator: str = ""
    """What columns are separated by, where a line must have so many."""

    def texts(self) -> dict[str, bytes]:
        """The files' bytes."""
        return {path: "".join(pieces).encode() for path, pieces in self.files.items()}


def jsonl(*rows: dict[str, Any]) -> tuple[str, ...]:
    """A piece a row."""
    return tuple(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def squad(*questions: str) -> tuple[str, ...]:
    """SQuAD v2's JSON, a piece as it is read whole or not at all; the last question is impossible."""
    qas = [
        {
            "id": str(number),
            "question": question,
            "answers": [{"text": "Öl", "answer_start": 4}],
            "is_impossible": False,
        }
        for number, question in enumerate(questions)
    ]
    qas[-1] |= {"answers": [], "is_impossible": True}
    whole = {"version": "2.0", "data": [{"title": "Öl", "paragraphs": [{"context": "Das Öl.", "qas": qas}]}]}
    return (json.dumps(whole, ensure_ascii=False),)


def treebank(*pairs: str) -> tuple[str, ...]:
    """A piece a sentence, of two words that are written as one."""
    blank = "\t_" * 5
    return tuple(
        f"# text = {pair}\n1-2\t{pair}\t_\t_\t_{blank}\n1\t{pair[0]}\t_\tNOUN\t_\t_\t0\t_\t_\t_\n2\t{pair[1]}\t_\tX\t_\t_\t1\t_\t_\t_\n\n"
        for pair in pairs
    )


NLI = ("neutral", "entailment", "contradiction")
CASES = (
    Case(
        name="jsonl",
        task="mnli",
        split="train",
        language="en",
        files={
            "mnli/multinli_1.0/multinli_1.0_train.jsonl": jsonl(
                *({"sentence1": f"é{n}", "sentence2": "ü", "gold_label": NLI[n], "pairID": str(n)} for n in range(3))
            )
        },
        torn=False,
    ),
    Case(
        name="tsv",
        task="xnli",
        split="validation",
        language="de",
        files={
            "xnli/dev-de.tsv": (
                '"""é"" a"\tb\tneutral\r\n',
                'c\td "ü\tentailment\r\n'.replace('"', ""),
                'e\t"f"\tneutral\r\n',
            )
        },
        torn=True,
        separator="\t",
    ),
    Case(
        name="tsv, labels stripped",
        task="xnli",
        split="test",
        language="de",
        files={"xnli/test-de.tsv": ('"""é"" a"\tb\r\n', "c\tü\r\n", 'e\t"f, ""g"""\r\n')},
        torn=True,
        separator="\t",
    ),
    Case(
        name="tsv_header",
        task="pawsx",
        split="test",
        language="de",
        files={
            "pawsx/x-final/de/test_2k.tsv": (
                "id\tsentence1\tsentence2\tlabel\n1\té\tb\t0\n",
                '2\t"c"\tü\t1\n',
                "3\td\te\t1\n",
            )
        },
        torn=False,
        separator="\t",
    ),
    Case(
        name="glue_tsv",
        task="qqp",
        split="train",
        language="en",
        files={
            "QQP/train.tsv": (
                "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\té?\tb?\t0\n",
                '1\t3\t4\t"c?\tü?\t1\n',
                "2\t5\t6\td?\te?\t1\n",
                "3\t7\t8\tf?\tg?\t0\n",
                "4\t9\t10\th?\ti?\t0\n",
            )
        },
        torn=False,
        separator="\t",
    ),
    Case(
        name="csv",
        task="cosmosqa",
        split="validation",
        language="en",
        files={
            "cosmosqa/valid.csv": (
                "id,context,question,answer0,answer1,answer2,answer3,label\na##1,é,q?,a,b,c,d,0\n",
                'a##2,"a\nb, ""c""",q?,a,b,"c,",ü,3\n',
                "a##3,d,q?,a,b,c,d,1\n",
            )
        },
        torn=True,
        separator=",",
    ),
    Case(
        name="squad_json",
        task="squad_v2",
        split="validation",
        language="en",
        files={"squad_v2/dev-v2.0.json": squad("Was?", "Wo?", "Wie?")},
        torn=False,
    ),
    Case(
        name="tagged_tsv",
        task="udpos",
        split="validation",
        language="de",
        files={"udpos/dev-de.tsv": ("é\tNOUN\n", "b\tVERB\n\n", "ü\tX\n", ":\tPUNCT\n", "c\tADJ\n")},
        torn=True,
        separator="\t",
    ),
    Case(
        name="tagged_tsv, as published",
        task="panx",
        split="test",
        language="de",
        files={"panx/de/test": ("de:é\tO\n", "de:b:c\tB-LOC\n\n", "de:ü\tO\n", "de::\tO\n", "de:d\tO\n")},
        torn=True,
        separator="\t",
    ),
    Case(
        name="supertags",
        task="ccg",
        split="train",
        language="en",
        files={"ccg/ccg.train": ("é\tNP\n", "ü\tS\n", "c\tN\n")},
        torn=True,
        separator="\t",
    ),
    Case(
        name="conllu",
        task="udpos",
        split="test",
        language="de",
        files={"ud_conllu/UD_German-Toy/de_toy-ud-test.conllu": treebank("éb", "dü", "ef")},
        torn=False,
        separator="\t",
    ),
    Case(
        name="text",
        task="mlm",
        split="train",
        language="de",
        files={"mlm/train.de.txt": ("é a\n", "b\n\n", "ü c\n", "d\n")},
        torn=True,
    ),
    Case(
        name="parallel",
        task="tlm",
        split="train",
        language="de",
        files={"tlm/train.de-en.de": ("é\n", "zwei\n", "drei\n"), "tlm/train.de-en.en": ("one\n", "twö\n", "three\n")},
        torn=True,
    ),
    Case(
        name="tatoeba",
        task="tatoeba",
        split="test",
        language="de",
        files={
            "tatoeba/tatoeba.deu-eng.deu": ("é\n", "zwei\n", "drei\n"),
            "tatoeba/tatoeba.deu-eng.eng": ("one\n", "twö\n", "three\n"),
        },
        torn=True,
    ),
    Case(
        name="xtreme_bitext",
        task="tatoeba",
        split="test",
        language="de",
        files={"tatoeba/de-en.de": ("é\n", "zwei\n", "drei\n"), "tatoeba/de-en.en": ("one\n", "three\n", "twö\n")},
        torn=True,
    ),
    Case(
        name="bucc",
        task="bucc2018",
        split="validation",
        language="de",
        files={
            "bucc2018/de-en.dev.de": ("de-1\té\n", "de-2\tzwei\n", "de-3\tdrei\n"),
            "bucc2018/de-en.dev.en": ("en-1\tone\n", "en-2\ttwö\n", "en-3\tthree\n"),
            "bucc2018/de-en.dev.gold": ("de-1\ten-1\n", "de-3\ten-3\n"),
        },
        torn=True,
        separator="\t",
    ),
)
SEARCHES = ("tatoeba", "bucc2018")
every_format = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def outcome(root: Path, case: Case, files: dict[str, bytes]) -> Loaded | None:
    """What is made of these files; None where a Mistake names one of them."""
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    place = DataPlace("local", str(root), "", offline=True)
    task = task_named(case.task)
    data = pin(task, case.split, case.language, place, 0, lambda path: "0" * 64)
    assert isinstance(data, Data)
    try:
        return load(task, data, place)
    except Mistake as mistake:
        said = str(mistake)
    assert any(str(root / path) in said for path in files), said
    assert "\n" not in said
    return None


def sound(root: Path, case: Case) -> Loaded:
    """What is made of the whole files."""
    loaded = outcome(root, case, case.texts())
    assert loaded is not None
    return loaded


def atoms(loaded: Loaded) -> list[Atom]:
    """Everything that was read, without the ids and numbers that come from its place."""
    return [atom for example in loaded.examples for atom in _atoms(example)]


def _atoms(example: Example) -> Iterator[Atom]:
    if isinstance(example, TagExample):
        for word, tag in zip(example.words, example.tags or (), strict=True):
            yield ("word", word), ("tag", tag)
    else:
        kept = {name: value for name, value in asdict(example).items() if name not in ("id", "cluster", "gold")}
        yield tuple((name, json.dumps(value, ensure_ascii=False)) for name, value in kept.items())


def torn_from(found: Atom, whole: Atom) -> bool:
    """Whether every field is the beginning of what it was, or gone."""
    return all(
        whole_value.startswith(value.rstrip('"')) or value in ("null", '""')
        for (_, value), (_, whole_value) in zip(found, whole, strict=True)
    )


def numbered_lines(text: str) -> list[str]:
    """Lines with their ends."""
    return text.splitlines(keepends=True)


def lines_alone(case: Case, lines: list[str]) -> list[int]:
    """The lines that mean something without their neighbours: in csv, quotes join several."""
    return [number for number, line in enumerate(lines) if case.name != "csv" or '"' not in line]


@every_format
def test_a_file_cut_at_any_byte_gives_all_whole_pieces_before_the_cut_or_is_named(tmp_path: Path, case: Case) -> None:
    whole = atoms(sound(tmp_path, case))
    for path, content in case.texts().items():
        for end in range(len(content)):
            loaded = outcome(tmp_path, case, case.texts() | {path: content[:end]})
            if loaded is None:
                continue
            found = atoms(loaded)
            if case.task in SEARCHES:  # both sides are there, or the two do not match
                _assert_one_torn(case, found, whole)
                continue
            ends = [len("".join(case.files[path][: number + 1]).encode()) for number in range(len(case.files[path]))]
            kept = sum(piece <= end for piece in ends)
            assert found[:kept] == whole[:kept], f"{end} bytes"
            assert len(found) <= kept + 1, f"{end} bytes"
            for extra in found[kept:]:
                assert extra == whole[kept] or (case.torn and torn_from(extra, whole[kept])), f"{end} bytes"


def _assert_one_torn(case: Case, found: list[Atom], whole: list[Atom]) -> None:
    lost, new = Counter(whole) - Counter(found), Counter(found) - Counter(whole)
    assert len(found) == len(whole)
    assert sum(new.values()) <= 1
    assert all(torn_from(one, other) for one, other in zip(new, lost, strict=True))


@pytest.mark.parametrize("case", [case for case in CASES if not case.torn], ids=lambda case: case.name)
def test_formats_that_say_where_a_row_ends_are_refused_wherever_one_is_cut(tmp_path: Path, case: Case) -> None:
    for path, content in case.texts().items():
        pieces = case.files[path]
        ends = {len("".join(pieces[:number]).encode()) for number in range(len(pieces) + 1)}
        line_end = len(content) - len(content.rstrip(b"\r\n"))
        for end in set(range(len(content) - line_end)) - ends:
            loaded = outcome(tmp_path, case, {path: content[:end]})
            before_line_end = content[end : end + 2] in (b"\r\n", b"\n") or content[end : end + 1] in (b"\n", b"\r")
            assert loaded is None or before_line_end, f"{end} bytes"


@every_format
def test_a_repeated_line_is_one_more_of_what_it_holds_or_is_named(tmp_path: Path, case: Case) -> None:
    whole = Counter(atoms(sound(tmp_path, case)))
    for path, content in case.texts().items():
        lines = numbered_lines(content.decode())
        for number in lines_alone(case, lines):
            repeated = "".join([*lines[: number + 1], *lines[number:]]).encode()
            loaded = outcome(tmp_path, case, case.texts() | {path: repeated})
            if loaded is not None:
                found = Counter(atoms(loaded))
                assert whole - found == Counter()
                assert sum((found - whole).values()) <= 1
                assert set(found) == set(whole)


@every_format
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_file_in_another_encoding_is_named_unless_its_bytes_say_the_same(
    tmp_path: Path, case: Case, encoding: str
) -> None:
    whole = sound(tmp_path, case)
    for path, content in case.texts().items():
        recoded = content.decode().encode(encoding)
        loaded = outcome(tmp_path, case, case.texts() | {path: recoded})
        readable = encoding == "utf-8-sig" or recoded == content
        assert loaded == (whole if readable else None), path


@pytest.mark.parametrize("case", [case for case in CASES if case.separator], ids=lambda case: case.name)
@given(data=st.data())
@settings(max_examples=40)
def test_a_line_with_a_column_too_few_or_too_many_is_named_or_left_out_and_counted(
    tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("columns")
    whole = sound(root, case)
    path = data.draw(st.sampled_from(sorted(case.files)))
    lines = numbered_lines(case.texts()[path].decode())
    number = data.draw(st.sampled_from([n for n in lines_alone(case, lines) if case.separator in lines[n]]))
    body = lines[number].rstrip("\r\n")
    columns = body.split(case.separator)
    at = data.draw(st.integers(0, len(columns) - 1))
    changed = columns[:at] + columns[at + 1 :] if data.draw(st.booleans()) else [*columns[:at], "x", *columns[at:]]
    lines[number] = case.separator.join(changed) + lines[number][len(body) :]
    loaded = outcome(root, case, case.texts() | {path: "".join(lines).encode()})
    if loaded is not None:
        assert case.name == "glue_tsv", "only there a row may be left out"
        assert (loaded.excluded, loaded.rows) == (whole.excluded + 1, whole.rows)
        assert Counter(atoms(loaded)) < Counter(atoms(whole))


@every_format
@given(data=st.data())
@settings(max_examples=60)
def test_stray_bytes_are_read_or_named_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, case: Case, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("bytes")
    files = case.texts()
    path = data.draw(st.sampled_from(sorted(files)))
    start = data.draw(st.integers(0, len(files[path])))
    end = data.draw(st.integers(start, min(len(files[path]), start + 6)))
    stray = data.draw(
        st.one_of(st.binary(max_size=4), st.text(max_size=4).map(lambda text: text.encode("utf-8", "ignore")))
    )
    outcome(root, case, files | {path: files[path][:start] + stray + files[path][end:]})  # it lets nothing else pass
