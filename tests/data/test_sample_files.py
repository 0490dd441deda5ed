"""The bundled sample files keep the official schemas, and the sample tokenizer keeps XLM-R's conventions."""

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from transformers import AutoTokenizer

SAMPLE = Path(str(files("stilts_xl") / "data" / "sample"))
TYDIQA = ["ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"]
XQUAD = ["en", "es", "de", "el", "ru", "tr", "ar", "vi", "th", "zh", "hi"]
XNLI = ["ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"]
TYDIQA_DEV = {lang: f"tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.{lang}.dev.json" for lang in TYDIQA}
XQUAD_TEST = {lang: f"xquad/xquad.{lang}.json" for lang in XQUAD}
QA_QUESTIONS = {
    "squad/train-v1.1.json": 48,
    "squad/dev-v1.1.json": 16,
    "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json": 36,
    **dict.fromkeys([*TYDIQA_DEV.values(), *XQUAD_TEST.values()], 8),
}
MNLI_ROWS = {"multinli_1.0_train.jsonl": 48, "multinli_1.0_dev_matched.jsonl": 15}
LABELS = {"entailment", "neutral", "contradiction"}


def paragraphs(path: str) -> list[dict]:
    articles = json.loads((SAMPLE / path).read_text(encoding="utf-8"))["data"]
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def question_ids(path: str) -> list[str]:
    return [question["id"] for paragraph in paragraphs(path) for question in paragraph["qas"]]


def answers(path: str) -> list[tuple[str, dict]]:
    return [(p["context"], answer) for p in paragraphs(path) for q in p["qas"] for answer in q["answers"]]


def mnli_rows(name: str) -> list[dict]:
    lines = (SAMPLE / "mnli" / "multinli_1.0" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def xnli_rows(split: str, lang: str) -> list[list[str]]:
    lines = (SAMPLE / "xnli" / f"{split}-{lang}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


def language_texts(lang: str) -> list[str]:
    """Every text of one language, English training sets included."""
    qa_files = [table[lang] for table in (TYDIQA_DEV, XQUAD_TEST) if lang in table]
    if lang == "en":
        qa_files = [*QA_QUESTIONS][:3] + qa_files
    texts = [p["context"] for path in qa_files for p in paragraphs(path)]
    texts += [q["question"] for path in qa_files for p in paragraphs(path) for q in p["qas"]]
    if lang in XNLI:
        texts += [text for split in ("dev", "test") for row in xnli_rows(split, lang) for text in row[:2]]
    if lang == "en":
        texts += [row[side] for name in MNLI_ROWS for row in mnli_rows(name) for side in ("sentence1", "sentence2")]
    return texts


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(SAMPLE / "tokenizer")


@pytest.mark.parametrize("path", QA_QUESTIONS)
def test_every_answer_is_found_at_its_offset(path):
    for context, answer in answers(path):
        start, text = answer["answer_start"], answer["text"]
        assert text and context[start : start + len(text)] == text


@pytest.mark.parametrize("path", QA_QUESTIONS)
def test_every_question_has_an_answer_and_an_id_of_its_own(path):
    ids = question_ids(path)
    assert len(ids) == len(set(ids)) == QA_QUESTIONS[path]
    assert all(question["answers"] for paragraph in paragraphs(path) for question in paragraph["qas"])


def test_squad_has_two_training_contexts_long_enough_for_sliding_windows():
    lengths = [len(paragraph["context"].split()) for paragraph in paragraphs("squad/train-v1.1.json")]
    assert sum(length >= 250 for length in lengths) == 2


@pytest.mark.parametrize("lang", XQUAD)
def test_xquad_asks_the_same_questions_in_every_language(lang):
    assert question_ids(XQUAD_TEST[lang]) == question_ids(XQUAD_TEST["en"])
    assert all(len(q["answers"]) == 1 for p in paragraphs(XQUAD_TEST[lang]) for q in p["qas"])


@pytest.mark.parametrize("lang", TYDIQA)
def test_tydiqa_ids_start_with_the_name_of_their_language(lang):
    names = {"ar": "arabic", "bn": "bengali", "en": "english", "fi": "finnish", "id": "indonesian", "ko": "korean"}
    names |= {"ru": "russian", "sw": "swahili", "te": "telugu"}
    assert {identifier.split("-")[0] for identifier in question_ids(TYDIQA_DEV[lang])} == {names[lang]}


@pytest.mark.parametrize("name", MNLI_ROWS)
def test_mnli_has_the_official_keys_and_as_many_rows_of_each_label(name):
    rows = mnli_rows(name)
    keys = "annotator_labels genre gold_label pairID promptID sentence1 sentence1_binary_parse sentence1_parse"
    keys = {*keys.split(), "sentence2", "sentence2_binary_parse", "sentence2_parse"}
    assert all(set(row) == keys for row in rows)
    assert len({row["pairID"] for row in rows}) == len(rows) == MNLI_ROWS[name]
    assert Counter(row["gold_label"] for row in rows) == dict.fromkeys(LABELS, len(rows) // 3)


@pytest.mark.parametrize("lang", XNLI)
@pytest.mark.parametrize(("split", "count"), [("dev", 6), ("test", 9)])
def test_xnli_is_parallel_and_gives_each_premise_all_three_labels(split, count, lang):
    rows = xnli_rows(split, lang)
    assert len(rows) == count and all(len(row) == 3 for row in rows)
    assert [row[2] for row in rows] == [row[2] for row in xnli_rows(split, "en")]
    for first in range(0, count, 3):
        group = rows[first : first + 3]
        assert len({premise for premise, _, _ in group}) == 1
        assert {label for _, _, label in group} == LABELS


def test_the_tokenizer_numbers_its_special_tokens_as_xlm_r_does(tokenizer):
    assert type(tokenizer).__name__ == "XLMRobertaTokenizer" and tokenizer.is_fast
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer.model_max_length == 512


def test_the_tokenizer_joins_a_pair_with_two_separators(tokenizer):
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a bridge", "a river"))
    assert tokenizer("a bridge", "a river")["input_ids"] == [0, *first, 2, 2, *second, 2]


@pytest.mark.parametrize("lang", sorted({*TYDIQA, *XQUAD, *XNLI}))
def test_the_tokenizer_restores_every_text_up_to_normalisation(tokenizer, lang):
    normalise = tokenizer.backend_tokenizer.normalizer.normalize_str
    for text in language_texts(lang):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == normalise(text)


@pytest.mark.parametrize("lang", sorted({*TYDIQA, *XQUAD, *XNLI}))
def test_less_than_two_percent_of_the_pieces_of_a_language_are_unknown(tokenizer, lang):
    ids = [i for text in language_texts(lang) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert ids.count(tokenizer.unk_token_id) < 0.02 * len(ids)


@pytest.mark.parametrize("path", QA_QUESTIONS)
def test_the_offsets_of_the_pieces_lead_back_to_each_answer(tokenizer, path):
    for context, answer in answers(path):
        start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
        spans = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        inside = [(left, right) for left, right in spans if left < end and right > start]
        assert inside[0][0] <= start and inside[-1][1] >= end
        assert answer["text"] in context[inside[0][0] : inside[-1][1]]


def test_the_sample_stays_below_one_megabyte():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 1_000_000
