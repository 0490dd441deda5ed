"""The supertags of English sentences combine to a sentence, by application, crossed composition and coordination."""

from functools import cache

import pytest
from world_rows import MANY, english

from stilts_xl.data.world.english import SUPERTAGGED, read_english
from stilts_xl.data.world.facts import RELATIONS
from stilts_xl.data.world.tagging import tagging_files

Category = str | tuple["Category", str, "Category"]


@cache
def parsed(text: str) -> Category:
    """'(S[dcl]\\NP)/NP' as (result, slash, argument); the last slash outside of brackets is the outermost one."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if not depth and text[place] in "/\\":
            return parsed(text[:place]), text[place], parsed(text[place + 1 :])
    return parsed(text[1:-1]) if text.startswith("(") else text


def fits(wanted: Category, found: Category) -> bool:
    """Whether categories are equal where both state a feature."""
    if isinstance(wanted, str) or isinstance(found, str):
        if not isinstance(wanted, str) or not isinstance(found, str):
            return False
        one, other = wanted.partition("["), found.partition("[")
        return one[0] == other[0] and (not one[2] or not other[2] or one[2] == other[2])
    return wanted[1] == found[1] and fits(wanted[0], found[0]) and fits(wanted[2], found[2])


def applied(function: Category, argument: Category, slash: str) -> Category | None:
    """The result; a modifier leaves what it modifies as it is, features with it."""
    if isinstance(function, str) or function[1] != slash or not fits(function[2], argument):
        return None
    return argument if function[0] == function[2] else function[0]


def composed(first: Category, second: Category) -> Category | None:
    """Backward crossed: (Y/Z) (X\\Y) -> X/Z, as of 'does' and 'not'."""
    if isinstance(first, str) or isinstance(second, str) or first[1] != "/" or second[1] != "\\":
        return None
    if not fits(second[2], first[0]):
        return None
    return (first[0] if second[0] == second[2] else second[0]), "/", first[2]


def combined(left: Category, right: Category) -> list[Category]:
    found = [applied(left, right, "/"), applied(right, left, "\\"), composed(left, right)]
    if left == "conj":
        found.append((right, "\\", right))
    return [one for one in found if one is not None]


def derives(tags: list[str]) -> bool:
    """Whether the categories of a sentence without its full stop give S[dcl]; a noun is a noun phrase by itself."""
    size = len(tags)
    chart: dict[tuple[int, int], set[Category]] = {}
    for width in range(1, size + 1):
        for start in range(size - width + 1):
            end = start + width
            cell = {parsed(tags[start])} if width == 1 else set()
            for middle in range(start + 1, end):
                for left in chart[start, middle]:
                    for right in chart[middle, end]:
                        cell.update(combined(left, right))
            chart[start, end] = cell | ({"NP"} if "N" in cell else set())
    return "S[dcl]" in chart[0, size]


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("style", SUPERTAGGED)
def test_the_categories_of_a_template_make_a_sentence(relation, style):
    assert derives(list(read_english().supertags[relation][style]))


@pytest.mark.parametrize("tags", ["N N", "(S[dcl]\\NP)/NP N", "N S[b]\\NP", "N (S[dcl]\\NP)/NP", "NP[nb]/N N"])
def test_other_categories_do_not(tags):
    assert not derives(tags.split())


def test_written_sentences_have_a_category_a_word_and_combine():
    written = dict(tagging_files(MANY, {"en": english()}))["ccg/ccg.dev"].splitlines()
    joined = 0
    for line in written[:40]:
        words, tags = (field.split(" ") for field in line.split("\t"))
        assert len(words) == len(tags) and (words[-1], tags[-1]) == (".", ".")
        assert derives(tags[:-1]), line
        joined += "conj" in tags
    assert 5 < joined < 15


def test_names_of_several_words_modify_their_last_one():
    written = dict(tagging_files(MANY, {"en": english()}))["ccg/ccg.train"].splitlines()
    tags = [line.split("\t")[1] for line in written if line.startswith("Eva Lind ")]
    assert tags and all(one.startswith("N/N N ") for one in tags)
