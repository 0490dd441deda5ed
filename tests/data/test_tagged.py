"""Sentences with tags: XTREME's files, PAN-X as it was published, and CCG's lines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files, Row
from stilts_xl.data.formats import read

Sentence = tuple[list[str], list[str] | None]


def layout(format: str, optional: tuple[str, ...] = ("tags",)) -> Files:
    """A layout whose rows nobody turns into examples."""
    return Files(format, {}, columns=("words", "tags"), example=lambda row, language: None, optional=optional)


def rows(root: Path, format: str, *contents: str) -> list[Row]:
    """The rows of files with these contents, read together."""
    paths = tuple(root / f"file{number}" for number in range(len(contents)))
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content.encode())
    return [row for _, row in read(paths, layout(format))]


def sentences(root: Path, content: str, format: str = "tagged_tsv") -> list[Sentence]:
    """Words and tags of each sentence of a file."""
    return [(row["words"], row["tags"]) for row in rows(root, format, content)]


def fault(root: Path, content: str, format: str = "tagged_tsv") -> str:
    """What the reader says of a file, after its name."""
    with pytest.raises(Mistake) as caught:
        rows(root, format, content)
    return str(caught.value).removeprefix(f"{root / 'file0'}, ")


def test_a_blank_line_ends_a_sentence_and_the_last_one_may_do_without(tmp_path: Path) -> None:
    expected: list[Sentence] = [(["Sea", "air"], ["NOUN", "NOUN"]), (["Go"], ["VERB"])]
    for end in ("", "\n", "\n\n"):
        assert sentences(tmp_path, f"Sea\tNOUN\nair\tNOUN\n\nGo\tVERB{end}") == expected
    assert sentences(tmp_path, "Sea\tNOUN\r\nair\tNOUN\r\n\r\nGo\tVERB\r\n") == expected
    assert sentences(tmp_path, "\n\nSea\tNOUN\nair\tNOUN\n\n \n\nGo\tVERB\n") == expected


def test_a_file_without_any_tag_hides_them(tmp_path: Path) -> None:
    assert sentences(tmp_path, "Sea\nair\n\nGo\n") == [(["Sea", "air"], None), (["Go"], None)]


def test_a_file_without_tags_is_refused_where_its_publisher_strips_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Sea\nair\n", encoding="utf-8")
    with pytest.raises(Mistake, match="line 1: expected a word, a tab and its tag, found 1 columns: 'Sea'"):
        list(read((path,), layout("tagged_tsv", optional=())))


def test_sentences_are_counted_over_all_files_and_know_theirs(tmp_path: Path) -> None:
    found = rows(tmp_path, "tagged_tsv", "a\tX\n\nb\tX\n", "c\tX\n")
    assert [(row["words"], row["row"], row["file"]) for row in found] == [(["a"], 0, 0), (["b"], 1, 0), (["c"], 2, 1)]


def test_lines_of_published_pan_x_lose_their_language_and_words_without_one_are_dropped(tmp_path: Path) -> None:
    content = "sw:Bahari\tB-LOC\nsw::\tO\nstray\tO\nsw:12:30\tO\n\nsw:Pwani\tO\n"
    assert sentences(tmp_path, content) == [
        (["Bahari", ":", "12:30"], ["B-LOC", "O", "O"]),
        (["Pwani"], ["O"]),
    ]
    assert sentences(tmp_path, "zh-min-nan:Hái\tO\nzh-min-nan:hong\tO\n") == [(["Hái", "hong"], ["O", "O"])]


def test_a_published_sentence_of_which_nothing_is_left_is_left_out_and_counted(tmp_path: Path) -> None:
    found = rows(tmp_path, "tagged_tsv", "sw:a\tO\nsw:b\tO\nsw:c\tO\n\nstray\tO\n")
    assert [row.get("left_out") for row in found] == [None, "no word with ':'"]


def test_colons_in_a_converted_file_are_words(tmp_path: Path) -> None:
    content = ":\tO\n::\tO\nan:other\tO\n12:30\tO\nhttp://x\tO\n"
    assert sentences(tmp_path, content) == [([":", "::", "an:other", "12:30", "http://x"], ["O"] * 5)]
    assert sentences(tmp_path, "en:a\tO\nde:b\tO\nfr:c\tO\n") == [(["en:a", "de:b", "fr:c"], ["O"] * 3)]


def test_of_a_word_with_a_no_break_space_the_reference_reads_the_first_piece(tmp_path: Path) -> None:
    assert sentences(tmp_path, "10\u00a0000\tNUM\nkm\tNOUN\n") == [(["10", "km"], ["NUM", "NOUN"])]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Sea\tNOUN\nair\n", "line 2: expected a word, a tab and its tag, found 1 columns: 'air'"),
        ("Sea\tNOUN\tx\n", "line 1: expected a word, a tab and its tag, found 3 columns: 'Sea\\tNOUN\\tx'"),
        ("Sea\tNOUN\n\tNOUN\n", "line 2: expected a word, found '\\tNOUN'"),
        ("Sea\tNOUN\nair\t\n", "line 2: expected a tag after the word, found 'air\\t'"),
        ("sw:Bahari\tO\nsw:\tO\n", "line 2: expected a word, found 'sw:\\tO'"),
    ],
    ids=["no tag", "three columns", "no word", "empty tag", "nothing after the language"],
)
def test_a_line_unlike_the_others_is_named(tmp_path: Path, content: str, expected: str) -> None:
    assert fault(tmp_path, content) == expected


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1)


@given(st.lists(st.lists(st.tuples(WORDS, st.sampled_from(["NOUN", "O", "B-LOC"])), min_size=1), min_size=1))
def test_what_was_written_a_word_a_line_is_read_back_in_both_forms(
    tmp_path_factory: pytest.TempPathFactory, written: list[list[tuple[str, str]]]
) -> None:
    root = tmp_path_factory.mktemp("tags")
    expected = [([word for word, _ in sentence], [tag for _, tag in sentence]) for sentence in written]
    raw = "\n\n".join("\n".join(f"qu:{word}\t{tag}" for word, tag in sentence) for sentence in written)
    assert sentences(root, raw) == expected
    # a language before most words of a converted file cannot be told from a published one
    plain = [["yu" + word.replace(":", ";") for word in words] for words, _ in expected]
    content = "\n\n".join(
        "\n".join(f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True))
        for words, (_, tags) in zip(plain, expected, strict=True)
    )
    assert sentences(root, content) == [(words, tags) for words, (_, tags) in zip(plain, expected, strict=True)]


def test_supertags_stand_beside_their_words(tmp_path: Path) -> None:
    assert sentences(tmp_path, "I sleep .\tNP S[dcl]\\NP .\n", "supertags") == [
        (["I", "sleep", "."], ["NP", "S[dcl]\\NP", "."])
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("I sleep\tNP\n", "2 words and 1 tags"),
        ("I  sleep\tNP S\n", "2 words and 2 tags"),
        ("I sleep\tNP S N\n", "2 words and 3 tags"),
    ],
    ids=["too few", "two spaces", "too many"],
)
def test_a_line_with_other_than_one_tag_a_word_is_named(tmp_path: Path, content: str, found: str) -> None:
    expected = f"line 1: expected as many tags as words, with one space between two, found {found}"
    assert fault(tmp_path, content, "supertags") == expected
    assert fault(tmp_path, "I sleep\n", "supertags").startswith("line 1: expected words, a tab and their tags, found 1")
