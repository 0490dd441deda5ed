"""XTREME's targets in a folder of official downloads: nothing is lost, and what publications warn of is handled."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from stilts_xl.core.example import PairExample, SentenceExample, SpanExample, TagExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Files
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import Found, locate, pin
from stilts_xl.tasks.catalog import task_named
from stilts_xl.tasks.languages import FLORES, ISO3

FOLDERS = {
    "xnli": ("xnli", "mnli"),  # XTREME keeps MultiNLI's English training file among XNLI's
    "pawsx": ("pawsx",),
    "udpos": ("udpos",),
    "ud_conllu": ("udpos",),
    "panx": ("panx",),
    "xquad": ("xquad",),
    "mlqa": ("mlqa",),
    "tydiqa": ("tydiqa",),
    "bucc2018": ("bucc2018",),
    "tatoeba": ("tatoeba",),
}
"""Folder of the downloads -> the tasks whose layouts read its files."""
SPELT = ("ar", "de", "el", "es", "fa", "fr", "he", "it", "pt", "ta", "tr", "zh")
"""Languages whose treebanks have fused forms, spaces or zero-width non-joiners within words, or no spaces at all."""


@cache
def published(root: Path) -> dict[str, int]:
    """File -> how many items it holds, as counted by those who put the folder together."""
    if not (root / "MANIFEST.json").is_file():
        pytest.skip(f"no MANIFEST.json in {root} counts the items of its files")
    listed = json.loads((root / "MANIFEST.json").read_text(encoding="utf-8"))["files"]
    return {entry["file"]: entry["n"] for entry in listed}


def found(name: str, layout: Files, root: Path) -> Iterator[tuple[str, str, Found]]:
    """(split, language, files) of a layout, for all that the folder has."""
    task = replace(task_named(name), files=(layout,))
    for split in layout.paths:
        for language in (*task.languages, *task.extra_languages):
            files = locate(task, split, language, root)
            if isinstance(files, Found):
                yield split, language, files


@cache
def loaded(name: str, layout: int, split: str, language: str, root: Path) -> Loaded:
    """What the loader makes of these files, read through one of the task's layouts."""
    task = replace(task_named(name), files=(task_named(name).files[layout],))
    place = DataPlace("local", str(root), "", offline=True)
    data = pin(task, split, language, place, 0, lambda path: "0" * 64)
    assert isinstance(data, Data), f"no {split} file of {name} in {language}"
    return load(task, data, place)


def counted(name: str, layout: int, split: str, language: str, files: Found, root: Path) -> dict[str, int]:
    """File -> how many of its items came through the loader."""
    relative = [path.relative_to(root).as_posix() for path in files.paths]
    whole = loaded(name, layout, split, language, root)
    assert (whole.excluded, whole.unlabelled) == (0, 0), relative
    searched = [example for example in whole.examples if isinstance(example, SentenceExample)]
    if not searched:
        assert len(relative) == 1
        return {relative[0]: len(whole.examples)}
    queries = sum(example.query for example in searched)
    sides = (queries, len(searched) - queries) if name == "bucc2018" else (len(searched) - queries, queries)
    pairs = sum(len(example.gold or ()) for example in searched)
    return dict(zip(relative, (*sides, pairs), strict=False))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_item_of_every_file_comes_through_the_loader(folder: str, data_root: Path) -> None:
    there = {file: n for file, n in published(data_root).items() if file.startswith(f"{folder}/")}
    read: dict[str, int] = {}
    for name in FOLDERS[folder]:
        for number, layout in enumerate(task_named(name).files):
            for split, language, files in found(name, layout, data_root):
                if files.paths[0].relative_to(data_root).parts[0] == folder:
                    read |= counted(name, number, split, language, files, data_root)
    assert read == there


def pairs(layout: int, split: str, language: str, root: Path) -> list[PairExample]:
    """PAWS-X through its release (layout 0) or XTREME's files (layout 1)."""
    examples = loaded("pawsx", layout, split, language, root).examples
    return [example for example in examples if isinstance(example, PairExample)]


@pytest.mark.parametrize("language", ["de", "es", "fr", "ja", "zh"])
def test_pawsx_texts_are_free_of_the_quotes_that_csv_put_around_and_into_them(language: str, data_root: Path) -> None:
    lines = (data_root / f"pawsx/dev-{language}.tsv").read_text(encoding="utf-8").splitlines()
    texts = [(pair.text_a, pair.text_b) for pair in pairs(1, "validation", language, data_root)]
    quoted = [number for number, line in enumerate(lines) if '"' in line]
    assert quoted, "the file shows what the test is about"
    # csv leaves one trace of a quotation that is not its own: a quote that is doubled in a field that is wrapped
    assert [number for number, text in enumerate(texts) if '"' in "".join(text)] == quoted
    assert not [text for text in texts if '""' in "".join(text)]


def test_translations_of_a_pawsx_pair_share_its_id_but_not_always_its_label(data_root: Path) -> None:
    german, chinese = (pairs(0, "test", language, data_root) for language in ("de", "zh"))
    assert [pair.id for pair in german] == [pair.id for pair in chinese]
    assert [pair.cluster for pair in german] == [pair.id for pair in german]
    assert [pair.label for pair in german] != [pair.label for pair in chinese]


@pytest.mark.parametrize("language", ["de", "zh"])
def test_the_release_of_pawsx_and_xtremes_files_hold_the_same_pairs(language: str, data_root: Path) -> None:
    release, xtreme = (pairs(layout, "test", language, data_root) for layout in (0, 1))
    assert [pair.label for pair in release] == [pair.label for pair in xtreme]
    assert [(pair.text_a, pair.text_b) for pair in release] == [(pair.text_a, pair.text_b) for pair in xtreme]


@pytest.mark.parametrize("language", SPELT)
def test_the_words_of_a_treebank_spelt_together_are_its_text(language: str, data_root: Path) -> None:
    (path,) = (data_root / "ud_conllu").glob(f"UD_*/{language}_*-ud-test.conllu")
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = [line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")]
    examples = loaded("udpos", 1, "test", language, data_root).examples
    words = ["".join(example.words) for example in examples if isinstance(example, TagExample)]
    assert words == [text.translate({ord(" "): None, 0x200C: None}) for text in texts]


def test_a_contraction_is_one_word_with_the_tag_of_its_head(data_root: Path) -> None:
    examples = loaded("udpos", 1, "test", "fr", data_root).examples
    tagged = Counter(
        (word.lower(), tag)
        for example in examples
        if isinstance(example, TagExample)
        for word, tag in zip(example.words, example.tags or (), strict=True)
    )
    assert tagged["du", "ADP"] > 20
    assert tagged["aux", "ADP"] > 5


def test_raw_treebanks_are_preferred_to_test_files_whose_tags_are_stripped(data_root: Path) -> None:
    files = locate(task_named("udpos"), "test", "de", data_root)
    assert isinstance(files, Found)
    assert files.layout.format == "conllu"


def sides(name: str, split: str, language: str, root: Path) -> tuple[list[SentenceExample], dict[str, SentenceExample]]:
    """(queries in order, id -> candidate)."""
    examples = [one for one in loaded(name, 0, split, language, root).examples if isinstance(one, SentenceExample)]
    return [one for one in examples if one.query], {one.id: one for one in examples if not one.query}


@pytest.mark.parametrize("language", sorted((*task_named("tatoeba").languages, *task_named("tatoeba").extra_languages)))
def test_the_gold_of_a_sorted_english_line_is_its_own_translation(language: str, data_root: Path) -> None:
    stem = data_root / "tatoeba" / f"tatoeba.{ISO3[language]}-eng"
    if not Path(f"{stem}.eng").is_file():
        pytest.skip(f"the folder has no Tatoeba file for {language}")
    english, foreign = (
        [line.strip() for line in Path(f"{stem}.{side}").read_text(encoding="utf-8").rstrip("\n").split("\n")]
        for side in ("eng", ISO3[language])
    )
    translations = dict(zip(english, foreign, strict=True))
    queries, candidates = sides("tatoeba", "test", language, data_root)
    assert [query.text for query in queries] == sorted(english)
    assert [candidates[str(row)].text for row in range(len(foreign))] == foreign
    assert [[candidates[id].text for id in query.gold or ()] for query in queries] == [
        [translations[query.text]] for query in queries
    ]


def test_most_sentences_of_bucc_have_no_translation_and_none_has_an_unknown_one(data_root: Path) -> None:
    queries, candidates = sides("bucc2018", "validation", "zh", data_root)
    gold = [id for query in queries for id in query.gold or ()]
    assert len(gold) == len(set(gold)) == 257
    assert set(gold) <= set(candidates)
    assert sum(query.gold == () for query in queries) == len(queries) - 257


def test_an_mlqa_question_in_another_language_has_the_answers_of_the_paragraph(data_root: Path) -> None:
    same, cross = (
        {
            one.id: one
            for one in loaded("mlqa", 0, "validation", code, data_root).examples
            if isinstance(one, SpanExample)
        }
        for code in ("de", "de-en")
    )
    shared = set(same) & set(cross)
    assert len(shared) > 50
    assert all(cross[id].answers == same[id].answers for id in shared)
    assert all(cross[id].context == same[id].context for id in shared)
    assert all(cross[id].question != same[id].question for id in shared)
    assert {one.language for one in cross.values()} == {"de"}


def test_each_of_the_fifty_languages_has_its_flores_file(data_root: Path) -> None:
    there = {path.stem for path in (data_root / "mlm_text/flores200_dev").glob("*.dev")}
    assert there == set(FLORES.values())
