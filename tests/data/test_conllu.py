"""Treebanks as XTREME reads them: fused forms, empty nodes, withheld text, and the published counts."""

from pathlib import Path
from typing import Any

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.core.task import Files, Row
from stilts_xl.data.formats import read

LAYOUT = Files(format="conllu", paths={}, columns=("words", "tags"), example=lambda row, language: None)


def word(number: int | str, form: str, tag: str, head: int | str, deps: str = "_") -> str:
    """A line of ten columns."""
    return "\t".join([str(number), form, "_", tag, "_", "_", str(head), "_", deps, "_"])


def fused(name: str, form: str) -> str:
    """The line of what is written as one word."""
    return word(name, form, "_", "_")


def write(root: Path, name: str, *sentences: list[str]) -> Path:
    """A treebank of these sentences, each with a blank line after it."""
    path = root / name
    path.write_bytes("".join("\n".join([*lines, "", ""]) for lines in sentences).encode())
    return path


def rows(*paths: Path) -> list[Row]:
    """The rows of treebanks read together."""
    return [row for _, row in read(paths, LAYOUT)]


def tagged(root: Path, *lines: str, treebank: str = "xx_toy") -> list[tuple[str, str]]:
    """(word, tag) of a single sentence."""
    (row,) = rows(write(root, f"{treebank}-ud-test.conllu", list(lines)))
    return list(zip(row["words"], row["tags"], strict=True))


def fault(root: Path, *lines: str) -> str:
    """What the reader says of one sentence, after the file's name."""
    path = write(root, "xx_toy-ud-test.conllu", list(lines))
    with pytest.raises(Mistake) as caught:
        rows(path)
    return str(caught.value).removeprefix(f"{path}, ")


def test_french_du_hides_an_adposition_and_an_article_equally_high_and_is_an_adposition(tmp_path: Path) -> None:
    # "la mer du nord": de and le both hang on nord, so the list decides, in which ADP stands before DET.
    sentence = [
        word(1, "la", "DET", 2),
        word(2, "mer", "NOUN", 0),
        fused("3-4", "du"),
        word(3, "de", "ADP", 5),
        word(4, "le", "DET", 5),
        word(5, "nord", "NOUN", 2),
    ]
    expected = [("la", "DET"), ("mer", "NOUN"), ("du", "ADP"), ("nord", "NOUN")]
    assert tagged(tmp_path, *sentence, treebank="fr_toy") == expected


def test_a_single_highest_word_decides_whatever_the_list_says(tmp_path: Path) -> None:
    # "auquel": à hangs on lequel, which therefore is the higher one, though ADP would be a candidate too.
    sentence = [
        fused("1-2", "auquel"),
        word(1, "à", "ADP", 2),
        word(2, "lequel", "PRON", 4),
        word(3, "je", "PRON", 4),
        word(4, "pense", "VERB", 0),
    ]
    assert tagged(tmp_path, *sentence, treebank="fr_toy")[0] == ("auquel", "PRON")
    # "dámelo": the verb is the root, its two pronouns hang on it.
    sentence = [
        fused("1-3", "dámelo"),
        word(1, "da", "VERB", 0),
        word(2, "me", "PRON", 1),
        word(3, "lo", "PRON", 1),
    ]
    assert tagged(tmp_path, *sentence, treebank="es_toy") == [("dámelo", "VERB")]


def test_spanish_del_is_an_adposition_and_hebrew_to_the_house_a_noun(tmp_path: Path) -> None:
    sentence = [
        word(1, "fin", "NOUN", 0),
        fused("2-3", "del"),
        word(2, "de", "ADP", 4),
        word(3, "el", "DET", 4),
        word(4, "día", "NOUN", 1),
    ]
    assert tagged(tmp_path, *sentence, treebank="es_toy")[1] == ("del", "ADP")
    # "לבית": to, the and house are three words of one form; the house bears the other two.
    sentence = [
        word(1, "הלך", "VERB", 0),
        fused("2-4", "לבית"),
        word(2, "ל", "ADP", 4),
        word(3, "ה", "DET", 4),
        word(4, "בית", "NOUN", 1),
    ]
    assert tagged(tmp_path, *sentence, treebank="he_toy") == [("הלך", "VERB"), ("לבית", "NOUN")]


def test_languages_differ_in_which_of_two_equally_high_tags_comes_first(tmp_path: Path) -> None:
    # An adverb and a pronoun below the same verb.
    sentence = [
        fused("1-2", "ab"),
        word(1, "a", "PRON", 3),
        word(2, "b", "ADV", 3),
        word(3, "c", "VERB", 0),
    ]
    found = {code: tagged(tmp_path, *sentence, treebank=f"{code}_toy")[0][1] for code in ("it", "fr", "pt")}
    assert found == {"it": "ADV", "fr": "PRON", "pt": "PRON"}


def test_a_tag_outside_the_list_comes_after_those_in_it_and_the_first_of_two_such_wins(tmp_path: Path) -> None:
    def of(first: str, second: str) -> str:
        sentence = [fused("1-2", "ab"), word(1, "a", first, 3), word(2, "b", second, 3), word(3, "c", "VERB", 0)]
        return tagged(tmp_path, *sentence, treebank="es_toy")[0][1]

    assert of("NOUN", "DET") == "DET"
    assert of("SYM", "NOUN") == "SYM"


def test_enhanced_heads_count_as_heads_and_those_of_empty_nodes_do_not(tmp_path: Path) -> None:
    # Both words hang on the root's child; the enhanced graph puts the first one below "d" as well.
    def of(deps: str) -> str:
        sentence = [
            fused("1-2", "ab"),
            word(1, "a", "NOUN", 3, deps),
            word(2, "b", "DET", 3),
            word(3, "c", "VERB", 0),
            word(4, "d", "NOUN", 3),
        ]
        return tagged(tmp_path, *sentence)[0][1]

    assert of("3:obj") == "NOUN"
    assert of("3:obj|4:nmod") == "DET"
    assert of("3:obj|3.1:nmod") == "NOUN"


def test_heads_in_a_circle_end_the_count(tmp_path: Path) -> None:
    sentence = [fused("1-2", "ab"), word(1, "a", "DET", 2, "2:det"), word(2, "b", "NOUN", 1), word(3, "c", "VERB", 0)]
    assert tagged(tmp_path, *sentence) == [("ab", "NOUN"), ("c", "VERB")]


def test_empty_nodes_are_no_words(tmp_path: Path) -> None:
    sentence = [
        word("0.1", "gap", "VERB", "_", "0:root"),
        word(1, "Tea", "NOUN", 0),
        word("1.1", "gap", "VERB", "_", "1:x"),
        word(2, "please", "INTJ", 1),
    ]
    assert tagged(tmp_path, *sentence) == [("Tea", "NOUN"), ("please", "INTJ")]


def test_spaces_and_joiners_leave_a_word_and_a_no_break_space_ends_it(tmp_path: Path) -> None:
    sentence = [
        word(1, "10 000", "NUM", 2),
        word(2, "می\u200cروم", "VERB", 0),
        word(3, "5\u00a0000", "NUM", 2),
    ]
    assert tagged(tmp_path, *sentence) == [("10000", "NUM"), ("میروم", "VERB"), ("5", "NUM")]
    assert (
        fault(tmp_path, word(1, "a", "X", 0), word(2, "\u200c", "X", 1))
        == "line 1: expected words with text, found only spaces in word 2"
    )


@pytest.mark.parametrize(
    ("forms", "kept"),
    [("a", True), ("_", False), ("_ a", False), ("_ _ a", False), ("_ a b", True), ("_ _ _ a", False), ("a b", True)],
)
def test_a_sentence_of_which_at_most_one_word_is_published_is_left_out_and_counted(
    tmp_path: Path, forms: str, kept: bool
) -> None:
    sentence = [word(number, form, "X", number - 1) for number, form in enumerate(forms.split(), 1)]
    path = write(tmp_path, "xx_toy-ud-test.conllu", sentence, [word(1, "whole", "X", 0)])
    found = rows(path)
    assert [("left_out" in row, row["row"]) for row in found] == [(not kept, 0), (False, 1)]


def test_a_fused_form_counts_once_when_withheld_words_are_counted(tmp_path: Path) -> None:
    sentence = [fused("1-2", "du"), word(1, "_", "ADP", 3), word(2, "_", "DET", 3), word(3, "_", "NOUN", 0)]
    (row,) = rows(write(tmp_path, "fr_toy-ud-test.conllu", sentence))
    assert row["left_out"] == "its text is withheld"  # 'du' and '_': one of two words


def test_a_sentence_knows_its_treebank_and_its_document_or_its_own_name(tmp_path: Path) -> None:
    one = [word(1, "a", "X", 0)]
    first = write(
        tmp_path,
        "xx_toy-ud-test.conllu",
        ["# newdoc id = news", "# sent_id = s1", *one],
        ["# sent_id = s2", *one],
        ["# newdoc", "# sent_id = s3", *one],
    )
    second = write(tmp_path, "xx_plain-ud-test.conllu", ["# sent_id = s1", "# text = a = b", *one], one)
    found = [(row["document"], row["row"], row["file"]) for row in rows(first, second)]
    assert found == [
        ("xx_toy/news", 0, 0),
        ("xx_toy/news", 1, 0),
        ("xx_toy/line 8", 2, 0),
        ("xx_plain/s1", 3, 1),
        ("xx_plain/4", 4, 1),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([word(1, "a", "X", 0), word(3, "b", "X", 1)], "line 2: expected word 2, found '3'"),
        ([word(1, "a", "X", 0), word(1, "a", "X", 0)], "line 2: expected word 2, found '1'"),
        ([word(1, "a", "X", "_")], "line 1: expected a form and the number of its head, found 'a' and '_'"),
        ([word(1, "a", "X", 0)[:-2]], "line 1: expected 10 columns, found 9"),
        ([fused("1-3", "ab"), word(1, "a", "X", 0)], "line 3: expected word 3 of the fused form, found 1 words"),
        (
            [fused("1-2", "ab"), word(1, "a", "X", 0), fused("2-3", "bc"), word(2, "b", "X", 1)],
            "line 3: expected fused forms that do not overlap, found '2-3'",
        ),
        (["# text = nothing"], "line 2: expected words after the comments, found none"),
    ],
    ids=["gap", "twice", "no head", "nine columns", "beyond the end", "overlap", "no words"],
)
def test_a_broken_line_is_named(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert fault(tmp_path, *lines) == expected


def test_a_treebank_that_breaks_off_within_a_sentence_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "xx_toy-ud-test.conllu", [word(1, "a", "X", 0), word(2, "b", "X", 1)])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Mistake, match=r"line 2: expected a blank line after the last sentence, found none \(is the"):
        rows(path)


PUBLISHED = {"mr": (47, 376), "ta": (120, 1772), "te": (146, 721)}
"""Test sentences and words that the reference converter makes of the treebanks that have not changed since UD 2.5."""


def test_whole_treebanks_give_the_published_sentences_and_words(data_root: Path) -> None:
    found: dict[str, Any] = {}
    for language in PUBLISHED:
        paths = sorted((data_root / "ud_conllu").glob(f"UD_*/{language}_*-ud-test.conllu"))
        if not paths:
            pytest.skip(f"no treebank of {language} in {data_root / 'ud_conllu'}")
        sentences = rows(*paths)
        found[language] = (len(sentences), sum(len(row["words"]) for row in sentences))
    assert found == PUBLISHED
