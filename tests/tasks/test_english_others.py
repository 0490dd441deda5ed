"""SQuAD v2, CCG supertagging and running text: rows to examples, and what a task says of its files."""

from typing import Any

import pytest

from stilts_xl.core.example import TagExample, TextExample
from stilts_xl.tasks.catalog import ALIASES, all_tasks, task_named
from stilts_xl.tasks.languages import XTREME_R

SQUAD_V2, CCG, MLM, TLM = (task_named(name) for name in ("squad_v2", "ccg", "mlm", "tlm"))


def asked(*answers: str, **more: Any) -> dict[str, Any]:
    """A question about a sentence."""
    found = {"text": list(answers), "answer_start": [0 for _ in answers]}
    return {
        "id": "q",
        "paragraph": "0/0",
        "context": "Bees fly.",
        "question": "Who?",
        "answers": found,
        "row": 0,
        **more,
    }


def test_a_training_file_of_squad_v1_is_not_taken_for_v2() -> None:
    assert SQUAD_V2.check_train is not None
    assert (
        SQUAD_V2.check_train("en", [asked("Bees"), asked("fly")])
        == "an answer to each of 2 questions, as in SQuAD v1.1"
    )
    assert SQUAD_V2.check_train("en", [asked("Bees", is_impossible=False), asked(is_impossible=True)]) == ""


def test_a_line_of_ccgbank_is_words_and_as_many_categories() -> None:
    row = {"words": ["Mice", "sleep"], "tags": ["N", "S[dcl]\\NP"], "row": 6, "file": 0}
    for layout in CCG.files:
        assert layout.example(row, "en") == TagExample("6", "6", ("Mice", "sleep"), ("N", "S[dcl]\\NP"))


def test_ccgs_categories_come_from_a_list_where_there_is_one() -> None:
    assert [layout.label_file for layout in CCG.files] == ["ccg/tags_to_id.json", ""]
    assert CCG.files[0].paths == CCG.files[1].paths
    assert CCG.labels == ()


def test_who_may_have_ccgbank_is_told_what_files_are_expected() -> None:
    for word in ("LDC2005T13", "ccg/ccg.train", "ccg/ccg.dev", "ccg/tags_to_id.json"):
        assert word in CCG.where


def test_a_line_of_text_is_an_example_of_its_language() -> None:
    for layout in MLM.files:
        made = layout.example({"text": "Vögel singen.", "row": 3, "file": 0}, "de")
        assert made == TextExample("3", "3", "de", "Vögel singen.", "")


def test_a_line_and_its_translation_are_one_example() -> None:
    for layout in TLM.files:
        made = layout.example({"source": "Vögel singen.", "target": "Birds sing.", "row": 3, "file": 0}, "de")
        assert made == TextExample("3", "3", "de", "Vögel singen.", "Birds sing.")


def test_running_text_trains_in_every_language_and_translations_in_all_but_english() -> None:
    assert MLM.train_languages == MLM.languages == XTREME_R
    assert TLM.train_languages == TLM.languages
    assert set(MLM.languages) - set(TLM.languages) == {"en"}


@pytest.mark.parametrize("task", [MLM, TLM], ids=lambda task: task.name)
def test_text_without_splits_is_divided_and_text_with_splits_is_not(task: Any) -> None:
    for layout in task.files:
        same = layout.paths["train"] == layout.paths["validation"]
        assert (layout.held_out > 1) == same


@pytest.mark.parametrize("name", sorted(ALIASES))
def test_an_alias_is_no_tasks_name_and_leads_to_a_task(name: str) -> None:
    assert name not in all_tasks()
    assert task_named(name) is all_tasks()[ALIASES[name]]
    assert task_named(name.upper().replace("_", "-")) is task_named(name)
