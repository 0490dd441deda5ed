"""Sentences and their translations: aligned lines, Tatoeba's two layouts, BUCC's sides and gold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files, Row
from stilts_xl.data.formats import read

SIDES = ("id", "text", "side", "gold")


def rows(root: Path, format: str, columns: tuple[str, ...], *contents: str) -> list[Row]:
    """The rows of files with these contents, read together."""
    paths = tuple(root / f"file{number}" for number in range(len(contents)))
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content.encode())
    return [row for _, row in read(paths, Files(format, {}, columns, lambda row, language: None))]


def sides(found: list[Row], side: str) -> list[tuple[str, str, list[str] | None]]:
    """(id, text, gold) of one side, in order."""
    return [(row["id"], row["text"], row["gold"]) for row in found if row["side"] == side]


def fault(root: Path, format: str, *contents: str) -> str:
    """What the reader says of the files."""
    with pytest.raises(Mistake) as caught:
        rows(root, format, SIDES, *contents)
    return str(caught.value)


def test_the_same_line_of_two_files_is_a_sentence_and_its_translation(tmp_path: Path) -> None:
    found = rows(tmp_path, "parallel", ("source", "target"), "eins\nzwei\r\n", "one\ntwo")
    assert [(row["source"], row["target"], row["row"]) for row in found] == [("eins", "one", 0), ("zwei", "two", 1)]


@pytest.mark.parametrize("format", ["parallel", "tatoeba", "xtreme_bitext"])
def test_aligned_files_of_different_length_are_refused(tmp_path: Path, format: str) -> None:
    expected = f"{tmp_path / 'file1'}, line 2: expected as many lines as {tmp_path / 'file0'} has (2), found 1"
    assert fault(tmp_path, format, "eins\nzwei\n", "one\n") == expected


def test_tatoebas_queries_are_the_english_lines_by_code_point_and_their_gold_is_their_line(tmp_path: Path) -> None:
    found = rows(tmp_path, "tatoeba", SIDES, "vier\nzwei\neins\ndrei\n", "Zoo\nant\nÄon\nAnt\n")
    assert sides(found, "query") == [("0", "Ant", ["3"]), ("1", "Zoo", ["0"]), ("2", "ant", ["1"]), ("3", "Äon", ["2"])]
    assert sides(found, "candidate") == [
        ("0", "vier", None),
        ("1", "zwei", None),
        ("2", "eins", None),
        ("3", "drei", None),
    ]


def test_equal_english_lines_keep_their_order_and_spaces_around_a_line_do_not_sort_it(tmp_path: Path) -> None:
    found = rows(tmp_path, "tatoeba", SIDES, "a\nb\nc\n", "Yes.\n  Zoo.\nYes.\n")
    assert sides(found, "query") == [("0", "Yes.", ["0"]), ("1", "Yes.", ["2"]), ("2", "Zoo.", ["1"])]


def test_xtremes_sorted_files_hide_which_line_is_the_translation(tmp_path: Path) -> None:
    found = rows(tmp_path, "xtreme_bitext", SIDES, "b\na\n", "A\nB\n")
    assert sides(found, "query") == [("0", "A", None), ("1", "B", None)]
    assert sides(found, "candidate") == [("0", "b", None), ("1", "a", None)]


LINE = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1)


@given(st.lists(st.tuples(LINE, LINE), min_size=1))
def test_the_gold_of_every_tatoeba_query_stands_beside_its_english_line(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("pairs")
    contents = ["".join(f"{pair[side]}\n" for pair in pairs) for side in (0, 1)]
    found = rows(root, "tatoeba", SIDES, *contents)
    queries = sides(found, "query")
    assert [text for _, text, _ in queries] == sorted(english for _, english in pairs)
    assert [pairs[int((gold or [""])[0])][1] for _, _, gold in queries] == [text for _, text, _ in queries]
    assert sorted(int((gold or [""])[0]) for _, _, gold in queries) == list(range(len(pairs)))


FOREIGN, ENGLISH = "de-1\teins\nde-2\tzwei\nde-3\tdrei\n", "en-1\tone\nen-2\ttwo\nen-3\tdue\n"


def test_buccs_queries_are_the_foreign_sentences_and_may_have_no_translation_or_several(tmp_path: Path) -> None:
    found = rows(tmp_path, "bucc", SIDES, FOREIGN, ENGLISH, "de-2\ten-2\nde-2\ten-3\nde-2\ten-2\nde-1\ten-1\n")
    assert sides(found, "query") == [
        ("de-1", "eins", ["en-1"]),
        ("de-2", "zwei", ["en-2", "en-3"]),
        ("de-3", "drei", []),
    ]
    assert sides(found, "candidate") == [("en-1", "one", None), ("en-2", "two", None), ("en-3", "due", None)]
    assert [row["file"] for row in found] == [0, 0, 0, 1, 1, 1]


def test_without_a_gold_file_buccs_gold_is_hidden_and_an_empty_one_says_that_there_is_none(tmp_path: Path) -> None:
    assert {str(gold) for _, _, gold in sides(rows(tmp_path, "bucc", SIDES, FOREIGN, ENGLISH), "query")} == {"None"}
    assert {str(gold) for _, _, gold in sides(rows(tmp_path, "bucc", SIDES, FOREIGN, ENGLISH, ""), "query")} == {"[]"}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((FOREIGN, ENGLISH, "de-9\ten-1\n"), "file2, line 1: expected the id of a sentence, found 'de-9', which no"),
        ((FOREIGN, ENGLISH, "de-1\tde-1\n"), "file2, line 1: expected the id of a sentence, found 'de-1', which no"),
        ((FOREIGN + "de-1\tneu\n", ENGLISH), "file0, line 4: expected ids that occur once, found 'de-1' again"),
        ((FOREIGN, ENGLISH + "en-4\n"), "file1, line 4: expected an id, a tab and a sentence, found 1 columns: 'en-4'"),
        ((FOREIGN, ENGLISH + "en-4\t \n"), "file1, line 4: expected an id, a tab and a sentence, found 2 columns: "),
        (
            (FOREIGN, ENGLISH, "de-1\n"),
            "file2, line 1: expected a foreign id, a tab and an English id, found 1 columns",
        ),
    ],
    ids=["unknown source", "unknown target", "id twice", "no sentence", "blank sentence", "half a pair"],
)
def test_a_broken_bucc_line_is_named(tmp_path: Path, contents: tuple[str, ...], expected: str) -> None:
    assert fault(tmp_path, "bucc", *contents).startswith(f"{tmp_path}/{expected}")
