"""XTREME's targets: what a raw row of each becomes, in every copy, and which copy is read first."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.example import Answer, PairExample, SentenceExample, SpanExample, TagExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import Found, locate, pin
from stilts_xl.tasks.catalog import task_named
from stilts_xl.tasks.crosslingual import tatoeba
from stilts_xl.tasks.crosslingual.bucc2018 import sentence
from stilts_xl.tasks.crosslingual.mlqa import PAIRS, of_context
from stilts_xl.tasks.crosslingual.pawsx import mangled, pair
from stilts_xl.tasks.crosslingual.udpos import tagged
from stilts_xl.tasks.languages import MLQA

TAGGED = {"words": ["Snow", "fell"], "tags": ["NOUN", "VERB"], "row": 4, "file": 0}
one_line = st.text(st.characters(exclude_characters="\t\r\n", codec="utf-8") | st.just('"'), max_size=12)


def paraphrases(**given: Any) -> dict[str, Any]:
    """A PAWS-X row with these fields beside its two sentences."""
    return {"sentence1": "He flew to Rome.", "sentence2": "To Rome he flew.", "row": 3, "file": 0, **given}


@pytest.mark.parametrize("label", ["1", 1])
def test_a_pair_of_the_release_keeps_its_id_by_which_its_translations_are_known(label: str | int) -> None:
    example = pair(paraphrases(id=12, label=label), "de")
    assert example == PairExample("12", "12", "He flew to Rome.", "To Rome he flew.", "1")


def test_a_pair_of_xtremes_files_has_its_row_for_an_id_and_its_label_may_be_stripped() -> None:
    assert pair(paraphrases(label="0"), "de") == PairExample("3", "3", "He flew to Rome.", "To Rome he flew.", "0")
    assert pair(paraphrases(), "de").label is None


def test_a_pair_that_was_left_untranslated_is_an_example_like_any_other() -> None:
    assert pair(paraphrases(sentence2="NS", label="0"), "fr").text_b == "NS"


@given(first=one_line, second=one_line)
def test_mangled_texts_are_what_csv_writes_when_it_is_read_without_csv(first: str, second: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter="\t").writerow([first, second, "1"])
    seen = mangled(paraphrases(sentence1=first, sentence2=second, label="1"))
    assert [seen["sentence1"], seen["sentence2"], seen["label"]] == written.getvalue().removesuffix("\r\n").split("\t")


def test_a_quotation_is_mangled_and_a_text_without_one_is_not() -> None:
    seen = mangled(paraphrases(sentence2='"Rome" is a song.', label="0"))
    assert seen == paraphrases(sentence2='"""Rome"" is a song."', label="0")
    assert task_named("pawsx").variants["mangled"] is mangled


def test_a_tagged_sentence_is_known_by_its_number() -> None:
    assert tagged(TAGGED, "en") == TagExample("4", "4", ("Snow", "fell"), ("NOUN", "VERB"))


def test_sentences_of_one_document_share_a_cluster() -> None:
    assert tagged({**TAGGED, "document": "news-7"}, "en").cluster == "news-7"


def test_a_sentence_whose_tags_are_stripped_has_none() -> None:
    assert tagged({**TAGGED, "tags": None}, "en").tags is None


@pytest.mark.parametrize(
    ("task", "field", "numbers", "tags"),
    [
        ("udpos", "pos_tags", [0, 7, 15, 16], ("ADJ", "NOUN", "VERB", "X")),
        ("panx", "ner_tags", [0, 1, 2, 3, 4, 5, 6], ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")),
    ],
)
def test_the_hubs_numbers_are_tags_in_the_order_of_its_card(
    task: str, field: str, numbers: list[int], tags: tuple[str, ...]
) -> None:
    hub = task_named(task).hub
    assert hub is not None
    words = [f"w{number}" for number in numbers]
    assert hub.example({"tokens": words, field: numbers, "row": 2}, "en") == TagExample("2", "2", tuple(words), tags)
    assert set(tags) <= set(task_named(task).labels)


@pytest.mark.parametrize("number", [-1, 17])
def test_a_number_that_names_no_tag_is_kept_for_the_checks_to_refuse(number: int) -> None:
    hub = task_named("udpos").hub
    assert hub is not None
    example = hub.example({"tokens": ["Snow"], "pos_tags": [number], "row": 0}, "en")
    assert example == TagExample("0", "0", ("Snow",), (str(number),))
    assert str(number) not in task_named("udpos").labels


def test_the_tagger_has_a_class_for_no_tag_beside_the_seventeen_parts_of_speech() -> None:
    labels = task_named("udpos").labels
    assert len(labels) == len(set(labels)) == 18
    assert labels[0] == "O"
    assert list(labels[1:]) == sorted(labels[1:])


@pytest.mark.parametrize(("code", "language"), [("de", "de"), ("de-en", "de"), ("en-zh", "en")])
def test_an_answer_is_in_the_language_of_its_paragraph(code: str, language: str) -> None:
    answers = {"text": ["in Rom"], "answer_start": [3]}
    row = {"id": "q", "context": "Er in Rom", "question": "Where?", "answers": answers, "paragraph": "0/0", "row": 0}
    assert of_context(row, code) == SpanExample("q", "0/0", language, "Where?", "Er in Rom", (Answer("in Rom", 3),))


def test_mlqa_has_a_cross_pair_for_every_two_of_its_languages_in_both_directions() -> None:
    assert len(PAIRS) == len(set(PAIRS)) == 42
    assert {tuple(code.split("-")) for code in PAIRS} == {
        (one, other) for one in MLQA for other in MLQA if one != other
    }
    assert task_named("mlqa").extra_languages == PAIRS


def test_each_pair_of_mlqa_has_a_configuration_of_the_hub() -> None:
    hub = task_named("mlqa").hub
    assert hub is not None
    configurations = {code: hub.config.format(lang=hub.codes[code]) for code in (*MLQA, *PAIRS)}
    assert configurations["en"] == "MLQA.en.en"
    assert configurations["de-en"] == "MLQA.de.en"
    assert len(set(configurations.values())) == 49


@pytest.mark.parametrize(
    ("side", "gold", "query", "known"),
    [
        ("query", ["en-7"], True, ("en-7",)),
        ("query", [], True, ()),
        ("query", None, True, None),
        ("candidate", None, False, None),
    ],
    ids=["translated", "without a translation", "hidden", "candidate"],
)
def test_a_sentence_says_on_which_side_it_is_and_what_is_right(
    side: str, gold: list[str] | None, query: bool, known: tuple[str, ...] | None
) -> None:
    row = {"id": "de-1", "text": "Es schneit.", "side": side, "gold": gold, "row": 0, "file": 0}
    assert sentence(row, "de") == SentenceExample("de-1", "de-1", "Es schneit.", query, known)


WORD = "{0}\t{1}\t_\t{2}\t_\t_\t0\troot\t_\t_\n"
FILES = {
    "udpos/train-en.tsv": "Snow\tNOUN\nfell\tVERB\n\n",
    "ud_conllu/UD_English-EWT/en_ewt-ud-train.conllu": WORD.format(1, "Rain", "NOUN") + "\n",
    "ud_conllu/UD_German-GSD/de_gsd-ud-test.conllu": WORD.format(1, "Schnee", "NOUN") + "\n",
    "udpos/test-de.tsv": "Schnee\n\n",
    "panx/de/test": "de:Rom\tB-LOC\n\n",
    "panx/test-de.tsv": "Rom\n\n",
    "pawsx/x-final/de/test_2k.tsv": "id\tsentence1\tsentence2\tlabel\n1\tEs schneit.\tSchnee fällt.\t1\n",
    "pawsx/test-de.tsv": "Es schneit.\tSchnee fällt.\r\n",
    "bucc2018/de-en/de-en.training.de": "de-1\tEs schneit.\n",
    "bucc2018/de-en/de-en.training.en": "en-1\tSnow falls.\n",
    "bucc2018/de-en/de-en.training.gold": "de-1\ten-1\n",
    "bucc2018/de-en.test.de": "de-1\tEs schneit.\n",
    "bucc2018/de-en.test.en": "en-1\tSnow falls.\n",
    "tatoeba/tatoeba.deu-eng.deu": "Es schneit.\nHier.\n",
    "tatoeba/tatoeba.deu-eng.eng": "Snow falls.\nHere.\n",
    "tatoeba/de-en.de": "Es schneit.\nHier.\n",
    "tatoeba/de-en.en": "Here.\nSnow falls.\n",
}


def downloads(root: Path, *without: str) -> Path:
    """A folder of official downloads, test files with and without labels; not those whose path begins as given."""
    for relative, content in FILES.items():
        if not relative.startswith(without or "/"):
            (root / relative).parent.mkdir(parents=True, exist_ok=True)
            (root / relative).write_bytes(content.encode())
    return root


def loaded(name: str, split: str, language: str, root: Path, variant: str = "") -> Loaded:
    """The split as the first layout that is there gives it."""
    place = DataPlace("local", str(root), "", offline=True)
    data = pin(task_named(name), split, language, place, 0, lambda path: "0" * 64)
    assert isinstance(data, Data)
    return load(task_named(name), replace(data, variant=variant), place)


@pytest.mark.parametrize(
    ("name", "labelled"),
    [
        ("pawsx", "pawsx/x-final"),
        ("udpos", "ud_conllu"),
        ("panx", "panx/de"),
        ("bucc2018", "bucc2018/de-en/"),
        ("tatoeba", "tatoeba/tatoeba"),
    ],
)
def test_a_test_set_is_read_where_it_has_labels_and_else_known_to_have_none(
    name: str, labelled: str, tmp_path: Path
) -> None:
    assert loaded(name, "test", "de", downloads(tmp_path / "both")).unlabelled == 0
    hidden = loaded(name, "test", "de", downloads(tmp_path / "stripped", labelled))
    assert hidden.unlabelled == sum(not isinstance(one, SentenceExample) or one.query for one in hidden.examples) > 0


def test_xtremes_own_training_sentences_come_before_those_of_a_treebank(tmp_path: Path) -> None:
    (example,) = loaded("udpos", "train", "en", downloads(tmp_path)).examples
    assert example == TagExample("0", "0", ("Snow", "fell"), ("NOUN", "VERB"))


def test_the_two_layouts_of_tatoeba_give_the_same_search(tmp_path: Path) -> None:
    aligned = loaded("tatoeba", "test", "de", downloads(tmp_path / "both")).examples
    resorted = loaded("tatoeba", "test", "de", downloads(tmp_path / "xtreme", "tatoeba/tatoeba")).examples
    both = [
        {(one.query, one.id, one.text) for one in side if isinstance(one, SentenceExample)}
        for side in (aligned, resorted)
    ]
    assert both[0] == both[1]
    assert [one.gold for one in aligned if isinstance(one, SentenceExample) and one.query] == [("1",), ("0",)]


def test_all_treebanks_of_a_language_are_read_in_the_order_of_their_file_names(tmp_path: Path) -> None:
    for treebank, word in (("PUD", "Neige"), ("ParTUT", "Pluie"), ("GSD", "Vent")):
        folder = tmp_path / f"ud-treebanks-v2.5/UD_French-{treebank}"
        folder.mkdir(parents=True)
        (folder / f"fr_{treebank.lower()}-ud-test.conllu").write_text(
            WORD.format(1, word, "NOUN") + "\n", encoding="utf-8"
        )
    examples = [one for one in loaded("udpos", "test", "fr", tmp_path).examples if isinstance(one, TagExample)]
    assert [one.words for one in examples] == [("Vent",), ("Pluie",), ("Neige",)]
    assert [one.id for one in examples] == ["0", "1", "2"]
    assert len({one.cluster for one in examples}) == 3


@pytest.mark.parametrize(("code", "file"), [("de", "context-de-question-de"), ("de-en", "context-de-question-en")])
def test_a_pair_of_mlqa_names_the_paragraphs_language_first(code: str, file: str, tmp_path: Path) -> None:
    path = tmp_path / f"mlqa/MLQA_V1/test/test-{file}.json"
    path.parent.mkdir(parents=True)
    path.touch()
    found = locate(task_named("mlqa"), "test", code, tmp_path)
    assert isinstance(found, Found)
    assert found.paths == (path,)


def test_a_protocol_may_ask_for_the_texts_that_xtremes_models_saw(tmp_path: Path) -> None:
    path = tmp_path / "pawsx/test-fr.tsv"
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t").writerow(['Il chante "Rome".', "NS", "0"])
    clean, seen = (loaded("pawsx", "test", "fr", tmp_path, variant).examples for variant in ("", "mangled"))
    assert clean == (PairExample("0", "0", 'Il chante "Rome".', "NS", "0"),)
    assert seen == (PairExample("0", "0", '"Il chante ""Rome""."', "NS", "0"),)


def test_the_hub_s_pairs_become_two_sides_with_the_english_sorted() -> None:
    def pair(foreign: str, english: str) -> dict[str, str]:
        return {
            "source_sentence": f"{foreign}\n",
            "target_sentence": english,
            "source_lang": "deu",
            "target_lang": "eng",
        }

    pairs = [pair("Hallo.", "Hello."), pair("Auf.", "Up."), pair("Ab.", "Away.")]
    turned = [
        {"source_sentence": row["target_sentence"], "target_sentence": row["source_sentence"]}
        | {"source_lang": "eng", "target_lang": "deu"}
        for row in pairs
    ]
    for rows in (pairs, turned):
        made = tatoeba.both_sides(rows)
        assert [(row["text"], row["gold"]) for row in made if row["side"] == "query"] == [
            ("Away.", ["2"]), ("Hello.", ["0"]), ("Up.", ["1"]),
        ]  # fmt: skip
        assert [(row["id"], row["text"]) for row in made if row["side"] == "candidate"] == [
            ("0", "Hallo."), ("1", "Auf."), ("2", "Ab."),
        ]  # fmt: skip
    with pytest.raises(ValueError, match="expected pairs with English"):
        tatoeba.both_sides([pairs[0] | {"target_lang": "fra"}])
