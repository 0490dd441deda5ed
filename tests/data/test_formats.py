"""The official file formats: what each reader accepts, and that a broken file is named with its place and its fault."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files, Row
from stilts_xl.data.formats import read, rows_of_split

PAIR = ("sentence1", "sentence2", "gold_label")
QUESTION = ("id", "context", "question", "answers", "paragraph")
NESTING = "expected SQuAD's layout (data, paragraphs, context, qas, answers)"


def layout(format: str, columns: tuple[str, ...] = PAIR, optional: tuple[str, ...] = ()) -> Files:
    """A layout of that format whose rows nobody turns into examples."""
    return Files(format=format, paths={}, columns=columns, example=lambda row, language: None, optional=optional)


def rows(path: Path, content: str | bytes, shape: Files) -> list[Row]:
    """The rows that the reader finds in a file with this content, byte for byte."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [row for _, row in read((path,), shape)]


def fault(path: Path, content: str | bytes, shape: Files) -> str:
    """The one-line message with which the reader refuses the content; it names the file first."""
    with pytest.raises(Mistake) as caught:
        rows(path, content, shape)
    message = str(caught.value)
    assert message.startswith(f"{path}, ")
    assert ": expected " in message
    assert ", found " in message
    assert "\n" not in message
    return message.removeprefix(f"{path}, ")


def texts(found: list[Row]) -> list[tuple[str, ...]]:
    """The pair columns of rows."""
    return [tuple(row[column] for column in PAIR if column in row) for row in found]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_every_row_of_every_format_has_its_number_counted_from_zero(file: Path) -> None:
    line = json.dumps({"sentence1": "a", "sentence2": "b", "gold_label": "neutral"})
    assert [row["row"] for row in rows(file, "a\tb\tneutral\n" * 3, layout("tsv"))] == [0, 1, 2]
    assert [row["row"] for row in rows(file, f"{line}\n\n{line}\n", layout("jsonl"))] == [0, 1]
    assert [row["row"] for row in rows(file, "\t".join(PAIR) + "\na\tb\tneutral\n", layout("tsv_header"))] == [0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_may_end_with_lf_or_with_cr_lf_and_the_last_one_need_not_end(file: Path, end: str) -> None:
    expected = [("a", "b", "neutral"), ("c", "d", "entailment")]
    for last in ("", end):
        assert texts(rows(file, f"a\tb\tneutral{end}c\td\tentailment{last}", layout("tsv"))) == expected
        assert (
            texts(rows(file, f"{chr(9).join(PAIR)}{end}a\tb\tneutral{end}c\td\tentailment{last}", layout("tsv_header")))
            == expected
        )


def test_only_lf_ends_a_line_and_other_separators_are_text(file: Path) -> None:
    strange = "one\u2028two\x85three\x0bfour"
    assert texts(rows(file, f"{strange}\tb\tneutral\n", layout("tsv"))) == [(strange, "b", "neutral")]


def test_a_byte_order_mark_is_not_text(file: Path) -> None:
    assert texts(rows(file, b"\xef\xbb\xbfa\tb\tneutral\n", layout("tsv"))) == [("a", "b", "neutral")]


def test_a_file_made_by_a_csv_writer_loses_its_quoting(file: Path) -> None:
    content = '"She said ""no""."\tplain\tneutral\r\nplain\t"""quoted"""\tneutral\r\n'
    assert texts(rows(file, content, layout("tsv"))) == [
        ('She said "no".', "plain", "neutral"),
        ("plain", '"quoted"', "neutral"),
    ]


def test_a_raw_file_keeps_the_quotes_of_its_text(file: Path) -> None:
    content = '"Yes," he said.\t"a quotation"\tneutral\nfive feet 6"\tplain\tneutral\n'
    assert texts(rows(file, content, layout("tsv"))) == [
        ('"Yes," he said.', '"a quotation"', "neutral"),
        ('five feet 6"', "plain", "neutral"),
    ]


@settings(database=None, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\t\r\n\ufeff"), min_size=1)] * 3),
        max_size=4,
    )
)
def test_whatever_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[str, str, str]]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "file"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, dialect="excel-tab").writerows(written)
    assert texts([row for _, row in read((file,), layout("tsv"))]) == written


def test_a_file_with_a_header_is_never_unquoted(file: Path) -> None:
    content = "\t".join(PAIR) + '\n"a"\t"b"\tneutral\n'
    assert texts(rows(file, content, layout("tsv_header"))) == [('"a"', '"b"', "neutral")]


def test_copies_of_paws_x_may_be_quoted_or_not(file: Path) -> None:
    shape = layout("pawsx_tsv")
    for line in ('He said ""no"".\tb ""c""\tneutral', 'a "b" c\t"d" e\tneutral'):
        quoted = line.split("\t")
        whole = [f'"{field}"' if '""' in field else field for field in quoted]
        plain = tuple(field.replace('""', '"') for field in quoted)
        content = "\t".join(PAIR) + "\n" + "\t".join(whole) + "\n"
        assert texts(rows(file, content, shape)) == [plain]


def test_a_label_column_that_publishers_strip_may_be_absent(file: Path) -> None:
    assert texts(rows(file, "a\tb\nc\td\n", layout("tsv", optional=("gold_label",)))) == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "a\tb\tneutral\nc\tneutral\n",
            "line 2: expected 3 columns (sentence1, sentence2, gold_label), found 2: 'c\\tneutral'",
        ),
        (
            "a\tb\tneutral\tmore\n",
            "line 1: expected 3 columns (sentence1, sentence2, gold_label), found 4: 'a\\tb\\tneutral\\tmore'",
        ),
        (
            "a\tb\tneutral\n\nc\td\tneutral\n",
            "line 2: expected 3 columns (sentence1, sentence2, gold_label), found 1: ''",
        ),
    ],
    ids=["short", "long", "blank"],
)
def test_a_row_with_too_few_or_too_many_columns_is_named(file: Path, content: str, expected: str) -> None:
    assert fault(file, content, layout("tsv")) == expected


def test_with_an_optional_column_the_error_gives_both_bounds(file: Path) -> None:
    assert fault(file, "a\n", layout("tsv", optional=("gold_label",))).startswith("line 1: expected 2 to 3 columns")


def test_a_row_unlike_its_header_is_named(file: Path) -> None:
    content = "\t".join(PAIR) + "\na\tb\tneutral\nc\td\n"
    assert fault(file, content, layout("tsv_header")) == "line 3: expected 3 columns as in the header, found 2: 'c\\td'"


def test_a_missing_column_is_named_in_every_format_that_names_columns(file: Path) -> None:
    wanted = "expected a row with sentence1, sentence2, gold_label, found no 'sentence2'"
    assert fault(file, "sentence1\tgold_label\na\tneutral\n", layout("tsv_header")) == f"line 2: {wanted}"
    assert fault(file, '{"sentence1": "a", "gold_label": "-"}\n', layout("jsonl")) == f"line 1: {wanted}"


def test_json_that_breaks_off_is_named_by_line_and_column(file: Path) -> None:
    whole = json.dumps({"sentence1": "a", "sentence2": "b", "gold_label": "neutral"})
    assert fault(file, f"{whole}\n{whole[:20]}", layout("jsonl")).startswith("line 2, column 20: expected JSON, found ")
    assert "(is the file cut short?)" in fault(file, '{"data": [\n', layout("squad_json", QUESTION))


def test_a_json_line_that_is_no_object_is_named(file: Path) -> None:
    assert fault(file, "[1]\n", layout("jsonl")) == "line 1: expected a JSON object, found list"


def test_bytes_that_are_not_utf8_are_named_by_their_place(file: Path) -> None:
    for format in ("tsv", "tsv_header", "jsonl", "squad_json"):
        assert fault(file, "é".encode() + b"\xff\tb\n", layout(format)) == "byte 2: expected UTF-8 text, found 0xff"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="cannot be read: Is a directory"):
        list(read((tmp_path,), layout("tsv")))


def squad(**changes: Any) -> dict[str, Any]:
    """SQuAD's nesting around one question, some of whose fields are replaced."""
    answers = [{"text": "Seine", "answer_start": 24}, {"text": "the Seine", "answer_start": 20}]
    asked = {"id": "q1", "question": "On which river?", "answers": answers} | changes
    context = asked.pop("context", "Paris stands on bank of the Seine.")
    return {"version": "1.1", "data": [{"title": "Paris", "paragraphs": [{"context": context, "qas": [asked]}]}]}


def test_nested_questions_become_flat_rows_with_their_paragraph(file: Path) -> None:
    whole = squad()
    whole["data"] *= 2
    found = rows(file, json.dumps(whole), layout("squad_json", QUESTION))
    assert [row["paragraph"] for row in found] == ["0/0", "1/0"]
    assert found[0]["answers"] == {"text": ["Seine", "the Seine"], "answer_start": [24, 20]}


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (squad(question=" "), "data[0].paragraphs[0].qas[0]: expected text as 'question', found ' '"),
        (squad(context=None), "data[0].paragraphs[0].qas[0]: expected text as 'context', found None"),
        (
            squad(answers=[{"text": 5, "answer_start": 0}]),
            "data[0].paragraphs[0].qas[0]: expected answers with text, found [5]",
        ),
        (
            squad(answers=[{"text": "Seine", "answer_start": "24"}]),
            "data[0].paragraphs[0].qas[0]: expected answers with an integer answer_start, found ['24']",
        ),
        (
            squad(answers=[{"text": "Seine"}]),
            f"after data[0].paragraphs[0].qas[0]: {NESTING}, found no 'answer_start'",
        ),
        (
            {"data": [{"title": "x"}]},
            f"after data: {NESTING}, found no 'paragraphs'",
        ),
    ],
    ids=["question", "context", "answer", "answer_start", "no answer_start", "no paragraphs"],
)
def test_a_broken_question_is_named_by_its_place_in_the_nesting(
    file: Path, whole: dict[str, Any], expected: str
) -> None:
    assert fault(file, json.dumps(whole), layout("squad_json", QUESTION)) == expected


def test_another_json_document_is_not_taken_for_squad(file: Path) -> None:
    assert NESTING in fault(file, "[]", layout("squad_json", QUESTION))
    assert NESTING in fault(file, '{"data": 3}', layout("squad_json", QUESTION))


def test_an_impossible_question_is_known_where_the_file_says_so(file: Path) -> None:
    (row,) = rows(file, json.dumps(squad(is_impossible=True, answers=[])), layout("squad_json", QUESTION))
    assert row["is_impossible"] is True
    (row,) = rows(file, json.dumps(squad()), layout("squad_json", QUESTION))
    assert "is_impossible" not in row
    assert "expected no answers to an impossible question, found ['Seine', 'the Seine']" in fault(
        file, json.dumps(squad(is_impossible=True)), layout("squad_json", QUESTION)
    )


def test_several_files_are_read_in_turn_and_rows_say_which_one_they_are_from(tmp_path: Path) -> None:
    paths = tuple(tmp_path / name for name in ("one", "two", "three"))
    for path, content in zip(paths, ("a\tb\tneutral\nc\td\tneutral\n", "", "e\tf\tneutral\n"), strict=True):
        path.write_text(content, encoding="utf-8")
    found = list(read(paths, layout("tsv")))
    assert [(place, row["row"], row["file"]) for place, row in found] == [
        (f"{paths[0]}, line 1", 0, 0),
        (f"{paths[0]}, line 2", 1, 0),
        (f"{paths[2]}, line 1", 2, 2),
    ]
    paths[1].write_text("g\th\n", encoding="utf-8")
    with pytest.raises(Mistake, match=f"^{paths[1]}, line 1: expected 3 columns"):
        list(read(paths, layout("tsv")))


def test_a_zero_byte_or_lines_that_end_with_cr_alone_are_refused(file: Path) -> None:
    assert fault(file, "a\tb\tneutral\n".encode("utf-16-le"), layout("tsv")) == (
        "character 1: expected UTF-8 text, found a zero byte (is it UTF-16?)"
    )
    assert fault(file, "a\tb\tneutral\rc\td\tneutral\r", layout("tsv")) == (
        "line 1: expected lines that end with LF or CR LF, found CR alone"
    )


def test_a_csv_field_may_hold_commas_quotes_and_line_ends(file: Path) -> None:
    content = 'sentence1,sentence2,gold_label\r\n"one,\r\ntwo ""three""",b,neutral\r\n\r\nc,d,\r\n'
    found = read_csv(file, content)
    assert texts([row for _, row in found]) == [('one,\r\ntwo "three"', "b", "neutral"), ("c", "d", "")]
    assert [place for place, _ in found] == ["line 2", "line 5"]


def read_csv(file: Path, content: str) -> list[tuple[str, Row]]:
    """(place, row) of a csv file."""
    file.write_bytes(content.encode())
    return list(read((file,), layout("csv")))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,"b', "line 2: expected a row of comma-separated fields, found unexpected end of data (is the file cut"),
        ('a,"b"c,neutral\n', "line 2: expected a row of comma-separated fields, found ',' expected after '\"'"),
        ("a,b\n", "line 2: expected 3 columns as in the header, found 2: 'a,b'"),
        ("a,b,neutral,more\n", "line 2: expected 3 columns as in the header, found 4: 'a,b,neutral,more'"),
    ],
    ids=["open quote", "text after a quote", "short", "long"],
)
def test_a_broken_csv_row_is_named_by_its_first_line(file: Path, content: str, expected: str) -> None:
    assert fault(file, f"{','.join(PAIR)}\n{content}", layout("csv")).startswith(expected)


def test_whatever_a_comma_writer_wrote_is_read_back(file: Path) -> None:
    written = [("a\nb", 'say "no"', "neutral"), ("", ",", "x"), (" c ", "d\r\ne", "entailment")]
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([PAIR, *written])
    assert texts([row for _, row in read((file,), layout("csv"))]) == written


QQP = "sentence1\tsentence2\tgold_label\n"


def test_pieces_of_a_torn_question_are_left_out_and_counted(file: Path) -> None:
    found = rows(file, f'{QQP}a\t"b\t0\nc\t"d\n"\te\n"f\tg"\t1\n', layout("glue_tsv"))
    assert [row.get("left_out", "") != "" for row in found] == [False, True, True, False]
    assert texts([found[0], found[3]]) == [("a", '"b', "0"), ('"f', 'g"', "1")], "quotes are text"
    assert [row["row"] for row in found] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a\tb\t0\nc\td\te\t0\n", 3),
        ("a\tb\t0\nc\td", 3),
        ("a\tb\t0\n" + "c\td\n" * 4, 6),
    ],
    ids=["too many columns", "cut short", "too many pieces"],
)
def test_what_a_torn_question_does_not_explain_is_refused(file: Path, content: str, line: int) -> None:
    expected = f"line {line}: expected 3 columns as in the header, found "
    assert fault(file, QQP + content, layout("glue_tsv")).startswith(expected)


def test_quoting_that_ends_within_the_last_field_is_a_cut_file(file: Path) -> None:
    content = '"say ""no"""\tplain\tneutral\r\n"say ""yes'
    assert fault(file, content, layout("tsv", optional=("sentence2", "gold_label"))) == (
        'line 2: expected a closing quote, found \'"say ""yes\' (is the file cut short?)'
    )


def test_a_blank_line_of_text_is_no_row(tmp_path: Path) -> None:
    paths = (tmp_path / "one", tmp_path / "two")
    paths[0].write_text("\nfirst\n second \n\n\nthird\n", encoding="utf-8")
    paths[1].write_text("fourth", encoding="utf-8")
    found = [(row["text"], row["row"], row["file"]) for _, row in read(paths, layout("text", ("text",)))]
    assert found == [("first", 0, 0), ("second", 1, 0), ("third", 2, 0), ("fourth", 3, 1)]


@given(st.integers(0, 60), st.integers(2, 7))
def test_held_out_rows_and_the_others_are_all_rows_and_keep_their_numbers(count: int, held_out: int) -> None:
    placed = [(f"line {number}", {"row": number}) for number in range(count)]
    validation, train = (
        [row["row"] for _, row in rows_of_split(iter(placed), split, held_out)] for split in ("validation", "train")
    )
    assert validation == list(range(held_out - 1, count, held_out))
    assert sorted(validation + train) == list(range(count))
    assert list(rows_of_split(iter(placed), "validation", 0)) == placed


def test_a_lone_cr_in_a_line_is_text_in_quoted_and_in_raw_files(file: Path) -> None:
    assert texts(rows(file, '"""a"""\tb\rc\tneutral\r\n', layout("tsv"))) == [('"a"', "b\rc", "neutral")]
    assert texts(rows(file, '"a\tb\rc\tneutral\r\n', layout("tsv"))) == [('"a', "b\rc", "neutral")]


def test_a_column_is_stripped_from_all_lines_or_from_none(file: Path) -> None:
    shape = layout("tsv", optional=("gold_label",))
    assert fault(file, "a\tb\tneutral\nc\td\n", shape) == (
        "line 2: expected 3 columns (sentence1, sentence2, gold_label), found 2: 'c\\td'"
    )
    assert fault(file, "a\tb\nc\td\tneutral\n", shape).startswith("line 2: expected 2 columns")
