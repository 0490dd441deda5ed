"""English sentence pairs: what a row of each official file and of each Hub copy becomes."""

from typing import Any

import pytest

from stilts_xl.core.example import PairExample
from stilts_xl.core.task import Task
from stilts_xl.tasks.catalog import task_named
from stilts_xl.tasks.rows import HUB_NLI_LABELS

ANLI, SNLI, QQP, ANLI_PLUS = (task_named(name) for name in ("anli", "snli", "qqp", "anli_plus"))


def local(task: Task, row: dict[str, Any]) -> Any:
    """What the first layout makes of a row."""
    return task.files[0].example({"row": 4, "file": 0, **row}, "en")


def from_hub(task: Task, row: dict[str, Any]) -> Any:
    """What the Hub's copy makes of a row."""
    assert task.hub is not None
    assert set(task.hub.columns) <= set(row), "the row has the copy's columns"
    return task.hub.example({"row": 4, "file": 0, **row}, "en")


def uttered(label: str | None) -> dict[str, Any]:
    """A row of ANLI's files."""
    return {"uid": "u-1", "context": "Ida sailed north.", "hypothesis": "Ida sailed.", "label": label, "tag": "r1_dev"}


@pytest.mark.parametrize(("letter", "name"), [("e", "entailment"), ("n", "neutral"), ("c", "contradiction")])
def test_anlis_letters_are_the_names_of_labels(letter: str, name: str) -> None:
    assert local(ANLI, uttered(letter)) == PairExample("u-1", "u-1", "Ida sailed north.", "Ida sailed.", name)
    assert name in ANLI.labels


def test_another_letter_is_handed_on_for_the_checks_to_refuse() -> None:
    assert local(ANLI, uttered("x")).label == "x"
    assert local(ANLI, uttered(None)).label is None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_anlis_hub_copy_has_integers_and_no_context(number: int) -> None:
    row = {"uid": "u-1", "premise": "Ida sailed north.", "hypothesis": "Ida sailed.", "label": number}
    assert from_hub(ANLI, row) == local(ANLI, uttered(HUB_NLI_LABELS[number][0]))


def test_anli_reads_its_three_rounds_together() -> None:
    assert ANLI.files[0].paths["validation"] == tuple(f"anli/anli_v1.0/R{number}/dev.jsonl" for number in (1, 2, 3))
    assert ANLI.hub is not None
    assert ANLI.hub.splits["train"] == "train_r1+train_r2+train_r3"


def captioned(label: str, **more: str) -> dict[str, Any]:
    """A row of SNLI's files."""
    return {"gold_label": label, "pairID": "7.jpg#2r1n", "sentence1": "A dog runs.", "sentence2": "It rains.", **more}


def test_a_caption_is_the_cluster_of_its_hypotheses() -> None:
    example = local(SNLI, captioned("neutral", captionID="7.jpg#2"))
    assert example == PairExample("7.jpg#2r1n", "7.jpg#2", "A dog runs.", "It rains.", "neutral")


@pytest.mark.parametrize("more", [{}, {"captionID": ""}])
def test_without_its_id_a_caption_is_three_rows(more: dict[str, str]) -> None:
    assert local(SNLI, captioned("neutral", **more)).cluster == "1"


def test_snli_leaves_out_what_has_no_majority() -> None:
    assert local(SNLI, captioned("-")) is None
    assert from_hub(SNLI, {"premise": "a", "hypothesis": "b", "label": -1}) is None


def test_snlis_hub_copy_has_integers_and_no_ids() -> None:
    row = {"premise": "A dog runs.", "hypothesis": "It rains.", "label": 2}
    assert from_hub(SNLI, row) == PairExample("4", "1", "A dog runs.", "It rains.", "contradiction")


def test_qqps_labels_are_texts_and_its_cluster_the_first_question() -> None:
    row = {"id": "8", "qid1": "21", "qid2": "22", "question1": 'Why "x"?', "question2": "Why?", "is_duplicate": "1"}
    assert local(QQP, row) == PairExample("8", "21", 'Why "x"?', "Why?", "1")
    assert local(QQP, {**row, "is_duplicate": "0"}).label == "0"


def test_qqps_test_rows_have_neither_label_nor_ids_of_questions() -> None:
    row = {"id": "8", "question1": "Why?", "question2": "Why not?"}
    assert local(QQP, row) == PairExample("8", "4", "Why?", "Why not?", None)
    assert local(QQP, {**row, "is_duplicate": ""}).label is None
    assert set(QQP.files[0].columns) - set(QQP.files[0].optional) == {"id", "question1", "question2"}


@pytest.mark.parametrize(("label", "name"), [(0, "0"), (1, "1"), (-1, None)])
def test_qqps_hub_copy_hides_labels_as_minus_one(label: int, name: str | None) -> None:
    row = {"idx": 8, "question1": "Why?", "question2": "Why not?", "label": label}
    assert from_hub(QQP, row) == PairExample("8", "4", "Why?", "Why not?", name)


def test_the_parts_of_anli_plus_share_one_head() -> None:
    parts = [task_named(name) for name in ANLI_PLUS.parts]
    assert [part.name for part in parts] == ["anli", "mnli", "snli"]
    assert {part.labels for part in parts} == {ANLI_PLUS.labels}
    assert {part.kind for part in parts} == {ANLI_PLUS.kind}
    assert {part.scorer for part in parts} == {ANLI_PLUS.scorer}
