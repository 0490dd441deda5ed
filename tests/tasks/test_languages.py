"""The language lists are the reference evaluator's, and every language has a name and its codes elsewhere."""

import re

import pytest

from stilts_xl.tasks.catalog import task_named
from stilts_xl.tasks.languages import (
    BUCC,
    FLORES,
    ISO3,
    MLQA,
    NAMES,
    PANX,
    PANX_R,
    PAWSX,
    TATOEBA,
    TATOEBA_R,
    TYDIQA,
    UDPOS,
    UDPOS_R,
    XNLI,
    XQUAD,
    XQUAD_R,
    XTREME,
    XTREME_R,
)

LISTS = {
    "xnli": (XNLI, 15),
    "pawsx": (PAWSX, 7),
    "udpos": (UDPOS, 33),
    "panx": (PANX, 40),
    "xquad": (XQUAD, 11),
    "mlqa": (MLQA, 7),
    "tydiqa": (TYDIQA, 9),
    "bucc2018": (BUCC, 4),
    "tatoeba": (TATOEBA, 36),
}
GROWN = {"udpos": (UDPOS_R, 38), "panx": (PANX_R, 48), "xquad": (XQUAD_R, 12), "tatoeba": (TATOEBA_R, 41)}
"""What XTREME-R adds to a task, and how many languages the task then has."""


@pytest.mark.parametrize("name", LISTS)
def test_a_task_of_xtreme_has_as_many_languages_as_published_and_none_twice(name: str) -> None:
    languages, count = LISTS[name]
    assert len(languages) == len(set(languages)) == count
    assert task_named(name).languages == languages


def test_xtreme_covers_forty_languages_which_are_those_of_panx() -> None:
    assert XTREME == PANX
    assert {language for languages, _ in LISTS.values() for language in languages} == set(XTREME)


@pytest.mark.parametrize("name", GROWN)
def test_what_xtreme_r_adds_to_a_task_is_predicted_only_when_asked_for(name: str) -> None:
    added, count = GROWN[name]
    task = task_named(name)
    assert task.extra_languages == added
    assert not set(added) & set(task.languages)
    assert len(task.languages) + len(added) == count


def test_xtreme_r_covers_fifty_languages_of_which_ten_are_new() -> None:
    assert len(XTREME_R) == len(set(XTREME_R)) == 50
    assert XTREME_R[:40] == XTREME
    added = {language for languages, _ in GROWN.values() for language in languages}
    assert set(XTREME_R) - set(XTREME) - added == {"ht"}, "Haitian Creole is in XCOPA only"


@pytest.mark.parametrize("table", [NAMES, ISO3, FLORES], ids=["name", "iso3", "flores"])
def test_each_of_the_fifty_languages_has_one_entry_of_its_own(table: dict[str, str]) -> None:
    assert set(table) == set(XTREME_R)
    assert len(set(table.values())) == 50


def test_tatoeba_has_no_file_for_english_malay_burmese_and_yoruba() -> None:
    assert set(PANX) - set(TATOEBA) == {"en", "ms", "my", "yo"}


def test_the_code_in_flores_is_the_one_in_tatoeba_and_a_script_but_for_four_languages() -> None:
    assert all(re.fullmatch("[a-z]{3}", code) for code in ISO3.values())
    assert all(re.fullmatch("[a-z]{3}_[A-Z][a-z]{3}", code) for code in FLORES.values())
    different = {language: (ISO3[language], FLORES[language][:3]) for language in ISO3}
    different = {language: codes for language, codes in different.items() if codes[0] != codes[1]}
    assert different == {"ar": ("ara", "arb"), "az": ("aze", "azj"), "qu": ("que", "quy"), "zh": ("cmn", "zho")}
