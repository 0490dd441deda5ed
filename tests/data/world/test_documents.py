"""What the bundled encoder reads: documents that tell a part of themselves again, of facts that no task's rows tell."""

import pytest
from world_rows import loaded

from stilts_xl.core.example import TextExample
from stilts_xl.data.world.documents import documents, sentences, texts, write_documents
from stilts_xl.data.world.facts import HELD_OUT_TEXT, pool_of
from stilts_xl.data.world.language import languages

POOLS = {"train": "text", "validation": HELD_OUT_TEXT}


@pytest.mark.parametrize("split", POOLS)
def test_no_task_has_rows_about_the_facts_of_a_document(split):
    for document in documents(split, 1, "fi", 300):
        assert {pool_of(fact) for side in document for fact, _ in side} == {POOLS[split]}


def test_vectors_are_made_from_facts_that_train_the_encoder_and_no_task():
    assert {language.code for _, language, _ in sentences(1, 3)} == set(languages())
    assert len({number for number, *_ in sentences(1, 50)}) == 50


@pytest.mark.parametrize("split", POOLS)
def test_one_side_tells_all_and_the_other_a_part_of_it_again(split):
    asked = 0
    for number, (first, second) in enumerate(documents(split, 2, "de", 400)):
        told, again = (first, second) if number % 4 == 3 else (second, first)
        facts = [fact for fact, _ in told]
        assert {fact for fact, _ in again} <= set(facts)
        assert {style for _, style in told} <= {"say", "also"}
        keys = [key for fact in facts for key in (fact.person, fact.value)]
        assert len(keys) == len(set(keys))
        asked += any(style in ("ask", "who") for _, style in again)
    assert 200 < asked < 350


def test_documents_are_a_function_of_seed_split_and_language():
    first = list(texts("train", 1, "tr", 20))
    assert list(texts("train", 1, "tr", 40))[:20] == first
    for other in (texts("train", 2, "tr", 20), texts("validation", 1, "tr", 20), texts("train", 1, "te", 20)):
        assert list(other) != first


def test_every_third_document_is_written_as_taggers_get_their_sentences():
    for number, (_, english) in enumerate(texts("train", 1, "sw", 60)):
        assert (" ." in english or " ?" in english) == (number % 3 == 0)


def test_its_files_are_those_of_translation_modelling(tmp_path):
    write_documents(tmp_path, 1, 6, 3)
    rows = loaded(tmp_path, "tlm", "train", "zh").examples
    assert [(one.text, one.translation) for one in rows if isinstance(one, TextExample)] == list(
        texts("train", 1, "zh", 6)
    )
    assert len(loaded(tmp_path, "tlm", "validation", "yo").examples) == 3
