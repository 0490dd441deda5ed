"""The rows written by hand keep the official schemas, and the bundled tokenizer keeps XLM-R's conventions."""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from functools import cache

import pytest

from sample_rows import SAMPLE_ROOT
from stilts_xl.core.example import ChoiceExample, Example, PairExample, SentenceExample, SpanExample, TagExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import Found, locate, pin
from stilts_xl.store.files import file_digest
from stilts_xl.tasks.catalog import all_tasks, task_named, training_task

PLACE = DataPlace("local", str(SAMPLE_ROOT), "", True)
SPLITS = ("train", "validation", "test")
XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh"
XQUAD = "en es de el ru tr ar vi th zh hi"
TYDIQA = "ar bn en fi id ko ru sw te"
UDPOS = "en de es fr ru zh ar hi ja tr"
EXAMPLES = {
    "anli": {"train": ("en", 27), "validation": ("en", 9)},
    "ccg": {"train": ("en", 29), "validation": ("en", 8)},
    "commonsenseqa": {"train": ("en", 25), "validation": ("en", 10)},
    "copa": {"train": ("en", 24), "validation": ("en", 8)},
    "cosmosqa": {"train": ("en", 24), "validation": ("en", 8)},
    "hellaswag": {"train": ("en", 24), "validation": ("en", 8)},
    "mnli": {"train": ("en", 48), "validation": ("en", 15)},
    "qqp": {"train": ("en", 24), "validation": ("en", 8)},
    "snli": {"train": ("en", 27), "validation": ("en", 9)},
    "social_iqa": {"train": ("en", 24), "validation": ("en", 9)},
    "squad": {"train": ("en", 48), "validation": ("en", 16)},
    "squad_v2": {"train": ("en", 32), "validation": ("en", 12)},
    "xnli": {"validation": (XNLI, 6), "test": (XNLI, 9)},
    "pawsx": {"train": ("en", 24), "validation": ("de en es fr ja ko zh", 8), "test": ("de en es fr ja ko zh", 8)},
    "udpos": {"train": ("en", 28), "validation": ("en", 8), "test": (UDPOS, 6)},
    "panx": {"train": ("en", 26), "validation": ("en", 8), "test": (f"{UDPOS} sw", 6)},
    "xquad": {"test": (XQUAD, 8)},
    "mlqa": {"validation": ("en de es zh", 6), "test": ("en de es zh de-en en-de", 8)},
    "tydiqa": {"train": ("en", 36), "validation": (TYDIQA, 8), "test": (TYDIQA, 8)},
    "bucc2018": {"validation": ("de fr ru zh", 40), "test": ("de fr ru zh", 40)},
    "tatoeba": {"test": ("de es fr hi ru sw tr zh", 30)},
    "mlm": {"train": ("en de es ru zh sw", 40), "validation": ("en de es ru zh sw", 10)},
    "tlm": {"train": ("de es zh", 20), "validation": ("de es zh", 6)},
}
"""Task -> split -> (languages, examples of each)."""
TURKISH_LINES = 16
PARTS = [
    (task, split, language)
    for task, splits in EXAMPLES.items()
    for split, (languages, _) in splits.items()
    for language in languages.split()
]
LANGUAGES = sorted({language for _, _, language in PARTS if "-" not in language})
ANSWERED = [part for part in PARTS if task_named(part[0]).kind == "span"]
SENTENCE_FIELDS = ("text_a", "context", "words", "prompt", "text", "translation")
"""Of an example's fields: what no other split may hold. Hypotheses, questions and options may be short and recur."""
READ_FIELDS = ("text_b", "question", *SENTENCE_FIELDS)


@cache
def loaded(task: str, split: str, language: str) -> Loaded:
    data = pin(task_named(task), split, language, PLACE, 0, file_digest)
    assert isinstance(data, Data), f"no {split} file of {task} in {language}"
    return load(task_named(task), data, PLACE)


def examples(task: str, split: str, language: str) -> tuple[Example, ...]:
    return loaded(task, split, language).examples


def texts(found: Iterable[Example], fields: tuple[str, ...]) -> list[str]:
    values = [getattr(example, name, "") for example in found for name in fields]
    return [text for value in values if (text := value if isinstance(value, str) else " ".join(value))]


def language_texts(language: str) -> list[str]:
    """Every text of one language; options too."""
    found = [example for part in PARTS if part[2] == language for example in examples(*part)]
    options = [option for example in found if isinstance(example, ChoiceExample) for option in example.options]
    return list(dict.fromkeys([*texts(found, READ_FIELDS), *options]))


def test_the_sample_has_the_tasks_splits_and_languages_it_should():
    there = {
        (name, split, language)
        for name, task in all_tasks().items()
        for split in SPLITS
        for language in (*task.train_languages, *task.languages, *task.extra_languages)
        if isinstance(locate(task, split, language, SAMPLE_ROOT), Found)
    }
    assert there == set(PARTS)


def test_every_task_has_sample_rows_or_parts_that_have_them():
    for name, task in all_tasks().items():
        assert all("train" in EXAMPLES[part] for part in task.parts) if task.parts else name in EXAMPLES, name


def test_every_sample_file_is_read_by_a_task():
    read = [locate(task_named(task), split, language, SAMPLE_ROOT) for task, split, language in PARTS]
    paths = {path for found in read if isinstance(found, Found) for path in found.paths}
    rest = {path for path in SAMPLE_ROOT.rglob("*") if path.is_file()} - paths
    assert {path.relative_to(SAMPLE_ROOT).parts[0] for path in rest} == {"README.md"}


@pytest.mark.parametrize(("task", "split", "language"), PARTS)
def test_a_sample_split_loads_whole_and_labelled(task, split, language):
    count = EXAMPLES[task][split][1]
    found = loaded(task, split, language)
    assert len(found.examples) == (2 * TURKISH_LINES if (task, language) == ("tatoeba", "tr") else count)
    assert (found.excluded, found.moved, found.unlabelled) == (1 if task == "snli" else 0, 0, 0)
    ids = [(getattr(example, "query", False), example.id) for example in found.examples]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("task", "split", "language"), PARTS)
def test_every_answer_of_a_sample_split_occurs_equally_often(task, split, language):
    found = examples(task, split, language)
    labels = Counter(e.label for e in found if isinstance(e, PairExample | ChoiceExample))
    expected = task_named(task).labels or tuple(range(len(getattr(found[0], "options", ()))))
    if labels:
        assert labels == dict.fromkeys(expected, len(found) // len(expected))
    questions = [e for e in found if isinstance(e, SpanExample)]
    assert sum(e.impossible for e in questions) == (len(questions) // 2 if task == "squad_v2" else 0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_sentence_of_the_training_rows_stands_in_another_split(name):
    task = task_named(name)
    training = [p for p in PARTS if p[0] == training_task(task).name and p[1] == "train"]
    seen = {text for part in training for text in texts(examples(*part), SENTENCE_FIELDS)}
    assert seen or task.kind == "retrieve"
    for part in PARTS:
        if part[0] == name and part[1] != "train":
            assert not seen & set(texts(examples(*part), SENTENCE_FIELDS)), part


def test_running_text_stands_nowhere_else():
    running = {p: set(texts(examples(*p), READ_FIELDS)) for p in PARTS if p[0] in ("mlm", "tlm")}
    elsewhere = {text for p in PARTS if p not in running for text in texts(examples(*p), READ_FIELDS)}
    assert all(not found & elsewhere for found in running.values())
    assert len({text for p, found in running.items() if p[0] == "mlm" for text in found}) == 6 * (40 + 10)


@pytest.mark.parametrize(("task", "split", "language"), ANSWERED)
def test_every_answer_is_found_at_its_offset(task, split, language):
    for example in examples(task, split, language):
        assert isinstance(example, SpanExample) and (example.answers or example.impossible)
        for answer in example.answers:
            assert answer.text and example.context[answer.start : answer.start + len(answer.text)] == answer.text


def test_impossible_questions_come_with_an_answer_that_is_plausible():
    for split in ("train", "dev"):
        whole = json.loads((SAMPLE_ROOT / f"squad_v2/{split}-v2.0.json").read_text(encoding="utf-8"))
        for paragraph in (p for article in whole["data"] for p in article["paragraphs"]):
            for answer in (a for qa in paragraph["qas"] if qa["is_impossible"] for a in qa["plausible_answers"]):
                assert paragraph["context"].startswith(answer["text"], answer["answer_start"])


def test_squad_has_two_training_contexts_long_enough_for_sliding_windows():
    contexts = set(texts(examples("squad", "train", "en"), ("context",)))
    assert sum(len(context.split()) >= 250 for context in contexts) == 2


@pytest.mark.parametrize(("task", "split", "language"), [p for p in ANSWERED if p[0] in ("xquad", "mlqa")])
def test_parallel_questions_have_the_same_ids_in_every_language(task, split, language):
    found = examples(task, split, language)
    assert [example.id for example in found] == [example.id for example in examples(task, split, "en")]
    assert all(isinstance(example, SpanExample) and len(example.answers) == 1 for example in found)


def test_a_cross_pair_of_mlqa_asks_in_one_language_about_a_text_in_another():
    crossed = examples("mlqa", "test", "de-en")
    assert texts(crossed, ("context",)) == texts(examples("mlqa", "test", "de"), ("context",))
    assert texts(crossed, ("question",)) == texts(examples("mlqa", "test", "en"), ("question",))


@pytest.mark.parametrize("lang", TYDIQA.split())
def test_tydiqa_ids_start_with_the_name_of_their_language(lang):
    names = {"ar": "arabic", "bn": "bengali", "en": "english", "fi": "finnish", "id": "indonesian", "ko": "korean"}
    names |= {"ru": "russian", "sw": "swahili", "te": "telugu"}
    assert {example.id.split("-")[0] for example in examples("tydiqa", "test", lang)} == {names[lang]}


@pytest.mark.parametrize(
    ("name", "split"), [("mnli/multinli_1.0/multinli_1.0", "dev_matched"), ("snli/snli_1.0/snli_1.0", "dev")]
)
def test_inference_rows_have_the_official_keys(name, split):
    keys = "annotator_labels gold_label pairID sentence1 sentence1_binary_parse sentence1_parse sentence2"
    keys = {*keys.split(), "sentence2_binary_parse", "sentence2_parse"}
    keys |= {"captionID"} if name.startswith("snli") else {"genre", "promptID"}
    for part in ("train", split):
        lines = (SAMPLE_ROOT / f"{name}_{part}.jsonl").read_text(encoding="utf-8").splitlines()
        assert all(set(json.loads(line)) == keys for line in lines)


@pytest.mark.parametrize("task", ["xnli", "pawsx"])
@pytest.mark.parametrize("split", ["validation", "test"])
def test_parallel_pairs_have_the_same_labels_in_every_language(task, split):
    answers = {
        tuple(e.label for e in examples(task, split, lang) if isinstance(e, PairExample))
        for lang in EXAMPLES[task][split][0].split()
    }
    assert len(answers) == 1


@pytest.mark.parametrize("split", ["validation", "test"])
def test_xnli_gives_each_premise_all_three_labels(split):
    for lang in XNLI.split():
        rows = [example for example in examples("xnli", split, lang) if isinstance(example, PairExample)]
        for group in (rows[first : first + 3] for first in range(0, len(rows), 3)):
            assert len({row.text_a for row in group}) == 1 and len({row.label for row in group}) == 3


def test_the_traps_of_the_official_files_are_in_the_sample():
    questions = texts(examples("qqp", "train", "en"), ("text_a", "text_b"))
    assert any(question.count('"') % 2 for question in questions)
    with (SAMPLE_ROOT / "cosmosqa/train.csv").open(encoding="utf-8", newline="") as file:
        assert any("\n" in row["context"] for row in csv.DictReader(file))
    assert '""' in (SAMPLE_ROOT / "pawsx/test-de.tsv").read_text(encoding="utf-8")
    hellaswag = (SAMPLE_ROOT / "hellaswag/hellaswag_train.jsonl").read_text(encoding="utf-8").splitlines()
    assert {bool(json.loads(line)["ctx_b"]) for line in hellaswag} == {True, False}


@pytest.mark.parametrize(("task", "unused"), [("udpos", {"O"}), ("panx", set()), ("ccg", set())])
def test_every_tag_occurs_in_training_and_none_is_new_in_evaluation(task, unused):
    trained = {tag for e in examples(task, "train", "en") if isinstance(e, TagExample) for tag in e.tags or ()}
    assert trained == set(loaded(task, "train", "en").labels) - unused
    others = [e for p in PARTS if p[0] == task and p[1] != "train" for e in examples(*p)]
    assert {tag for e in others if isinstance(e, TagExample) for tag in e.tags or ()} <= trained


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("lang", ["de", "fr", "ru", "zh"])
def test_bucc_has_distractors_and_duplicates_on_both_sides(lang, split):
    found = [example for example in examples("bucc2018", split, lang) if isinstance(example, SentenceExample)]
    gold = {name for example in found for name in example.gold or ()}
    assert len(gold) == sum(bool(example.gold) for example in found) == 12
    for side in (True, False):
        counts = Counter(example.text for example in found if example.query is side)
        (twice,) = [text for text, count in counts.items() if count > 1]
        assert len(counts) == 19
        assert not any(example.gold or example.id in gold for example in found if example.text == twice)


def test_one_tatoeba_set_has_a_foreign_line_twice_and_none_an_english_one():
    for lang in EXAMPLES["tatoeba"]["test"][0].split():
        found = [example for example in examples("tatoeba", "test", lang) if isinstance(example, SentenceExample)]
        sides = [[example.text for example in found if example.query is side] for side in (True, False)]
        repeated = [len(side) - len(set(side)) for side in sides]
        assert repeated == [0, 1 if lang == "tr" else 0]


def test_the_tokenizer_numbers_its_special_tokens_as_xlm_r_does(tokenizer):
    assert type(tokenizer).__name__ == "XLMRobertaTokenizer" and tokenizer.is_fast
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer.model_max_length == 512


def test_the_tokenizer_joins_a_pair_with_two_separators(tokenizer):
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a bridge", "a river"))
    assert tokenizer("a bridge", "a river")["input_ids"] == [0, *first, 2, 2, *second, 2]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_tokenizer_restores_every_text_up_to_normalisation(tokenizer, lang):
    normalise = tokenizer.backend_tokenizer.normalizer.normalize_str
    for text in language_texts(lang):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == normalise(text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_less_than_two_percent_of_the_pieces_of_a_language_are_unknown(tokenizer, lang):
    ids = [i for text in language_texts(lang) for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert ids.count(tokenizer.unk_token_id) < 0.02 * len(ids)


@pytest.mark.parametrize(("task", "split", "language"), ANSWERED)
def test_the_offsets_of_the_pieces_lead_back_to_each_answer(tokenizer, task, split, language):
    for example in examples(task, split, language):
        assert isinstance(example, SpanExample)
        spans = tokenizer(example.context, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        for answer in example.answers:
            start, end = answer.start, answer.start + len(answer.text)
            inside = [(left, right) for left, right in spans if left < end and right > start]
            assert inside[0][0] <= start and inside[-1][1] >= end
            assert answer.text in example.context[inside[0][0] : inside[-1][1]]
