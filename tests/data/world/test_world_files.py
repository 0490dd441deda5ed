"""A world is a folder of official files that our readers take whole, the same ones for the same seed."""

import json
import os
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from world_rows import SIZES, loaded, sentences

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import ChoiceExample, Example, PairExample, SpanExample, TagExample
from stilts_xl.data.sources import Found, locate
from stilts_xl.data.world.language import languages
from stilts_xl.data.world.passages import QUESTIONS as OF_A_PARAGRAPH
from stilts_xl.data.world.write import COMPLETE, world_key, write_world
from stilts_xl.tasks.catalog import all_tasks, task_named

SPLITS = ("train", "validation", "test")
CODES = tuple(languages())
PARTS = [
    (name, split, language)
    for name, task in all_tasks().items()
    for split in SPLITS
    if task.has_split(split) and split not in task.hidden_splits
    for language in (task.train_languages if split == "train" else (*task.languages, *task.extra_languages))
    if set(language.split("-")) <= set(CODES)
]
"""Every task, split and language of which there should be rows."""
LABELLED = [part for part in PARTS if task_named(part[0]).kind in ("classify", "choose")]
QUESTIONS = [part for part in PARTS if task_named(part[0]).kind == "span"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("worlds") / "one"
    write_world(made, seed=1, **SIZES)
    return made


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def expected_rows(task: str, split: str) -> int:
    if task in ("mlm", "tlm") and split == "train":
        return SIZES["text"]
    if task == "tydiqa" and split == "validation":  # the same file as test
        return SIZES["test"]
    if task in ("squad", "squad_v2") and split == "train":
        return SIZES[split] * OF_A_PARAGRAPH
    return SIZES[split] * (2 if task_named(task).kind == "retrieve" else 1)


def texts(example: Example) -> list[str]:
    """The English texts that state facts: no questions, hypotheses or options."""
    if isinstance(example, TagExample):
        return []
    names = ("text_a", "context", "prompt", "text", "translation")
    return [text for name in names if (text := getattr(example, name, ""))]


@pytest.mark.parametrize(("task", "split", "language"), PARTS)
def test_every_split_loads_whole_and_labelled(folder, task, split, language):
    found = loaded(folder, task, split, language)
    assert len(found.examples) == expected_rows(task, split)
    assert (found.excluded, found.moved, found.unlabelled) == (0, 0, 0)


def test_nothing_is_there_but_what_a_task_reads(folder):
    found = [locate(task_named(task), split, language, folder) for task, split, language in PARTS]
    read = {path for one in found if isinstance(one, Found) for path in one.paths}
    assert {path for path in folder.rglob("*") if path.is_file()} - read == {folder / COMPLETE}


@pytest.mark.parametrize(("task", "split", "language"), LABELLED)
def test_labels_occur_equally_often_or_once_more(folder, task, split, language):
    found = loaded(folder, task, split, language).examples
    labels = Counter(one.label for one in found if isinstance(one, PairExample | ChoiceExample))
    options = task_named(task).labels or range(len(getattr(found[0], "options", ())))
    counts = [labels[label] for label in options]
    assert sum(counts) == len(found) and max(counts) - min(counts) <= 1


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_other_question_of_squad_v2_has_no_answer(folder, split):
    found = [one for one in loaded(folder, "squad_v2", split, "en").examples if isinstance(one, SpanExample)]
    assert abs(sum(one.impossible for one in found) - sum(not one.impossible for one in found)) <= 1


@pytest.mark.parametrize(("task", "split", "language"), QUESTIONS)
def test_every_answer_stands_at_its_offset(folder, task, split, language):
    for one in loaded(folder, task, split, language).examples:
        assert isinstance(one, SpanExample) and (one.answers or one.impossible)
        assert all(one.context[answer.start :].startswith(answer.text) for answer in one.answers)


@pytest.mark.parametrize("task", ["xnli", "pawsx", "xquad", "mlqa"])
@pytest.mark.parametrize("split", ["validation", "test"])
def test_parallel_rows_have_the_same_ids_and_labels_in_every_language(folder, task, split):
    if not task_named(task).has_split(split):
        return
    there = [language for name, which, language in PARTS if (name, which) == (task, split)]
    rows = {
        tuple((one.id, getattr(one, "label", "")) for one in loaded(folder, task, split, language).examples)
        for language in there
    }
    assert len(there) > 1 and len(rows) == 1


def test_a_cross_pair_of_mlqa_asks_in_one_language_about_a_text_in_another(folder):
    crossed, german, english = (loaded(folder, "mlqa", "test", code).examples for code in ("de-en", "de", "en"))
    for one, context, question in zip(crossed, german, english, strict=True):
        assert isinstance(one, SpanExample) and isinstance(context, SpanExample) and isinstance(question, SpanExample)
        assert (one.context, one.answers, one.question) == (context.context, context.answers, question.question)
        assert one.context != question.context and one.question != context.question


def test_half_of_each_side_of_bucc_has_a_translation(folder):
    for language in [code for code in task_named("bucc2018").languages if code in CODES]:
        found = loaded(folder, "bucc2018", "test", language).examples
        assert sum(bool(getattr(one, "gold", ())) for one in found) == SIZES["test"] // 2


def test_no_english_sentence_of_one_pool_stands_in_another(folder):
    pools: dict[str, set[str]] = {name: set() for name in ("train", "validation", "test", "text", "text_validation")}
    for task, split, language in PARTS:
        if language != "en" and task != "tlm":
            continue
        running = task_named(task).kind == "mlm"
        pool = {"train": "text", "validation": "text_validation"}[split] if running else split
        if task == "tydiqa" and split == "validation":
            pool = "test"
        for one in loaded(folder, task, split, language).examples:
            english = [getattr(one, "translation", "")] if task == "tlm" else texts(one)
            pools[pool].update(part for text in english for part in sentences(text) if not part.endswith("?"))
    for name, found in pools.items():
        assert len(found) > 20
        assert not found & set().union(*(other for key, other in pools.items() if key != name)), name


def test_lines_of_running_text_and_tatoeba_are_all_different(folder):
    for task, split, language in PARTS:
        if task in ("mlm", "tlm", "tatoeba"):
            found = [
                (getattr(one, "query", 0), one.text, getattr(one, "translation", ""))  # type: ignore[union-attr]
                for one in loaded(folder, task, split, language).examples
            ]
            assert len(set(found)) == len(found), (task, split, language)


def test_the_same_seed_gives_the_same_bytes_in_another_process_too(folder, tmp_path):
    code = f"from stilts_xl.data.world.write import *; write_world(Path({str(tmp_path / 'two')!r}), seed=1, **{SIZES})"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    assert digests(tmp_path / "two") == digests(folder)


def test_another_seed_gives_other_rows(folder, tmp_path):
    write_world(tmp_path / "other", seed=2, **SIZES)
    first, second = digests(folder), digests(tmp_path / "other")
    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first)


def test_a_complete_world_is_left_alone(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    write_world(folder, seed=1, **SIZES)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert json.loads((folder / COMPLETE).read_text())["key"] == world_key(seed=1, **SIZES)


def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").write_text("thesis")
    with pytest.raises(Mistake, match="is there already"):
        write_world(tmp_path, seed=1, **SIZES)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_nothing_is_left_beside_a_world(folder):
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_every_part_of_what_a_world_is_made_from_changes_its_key():
    keys = {world_key(seed=1, **SIZES), world_key(seed=2, **SIZES)}
    keys |= {world_key(seed=1, **(SIZES | {name: 7})) for name in SIZES}
    assert len(keys) == 2 + len(SIZES)
