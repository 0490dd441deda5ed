"""Checked examples of the tasks' official files: what is read, what is left out, and what is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import Answer, PairExample, SpanExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.sources import Absent, Found, locate, pin
from stilts_xl.tasks.catalog import task_named

MNLI_TRAIN = "mnli/multinli_1.0/multinli_1.0_train.jsonl"
MNLI_DEV = "mnli/multinli_1.0/multinli_1.0_dev_matched.jsonl"
TYDIQA_TRAIN = "tydiqa/tydiqa-goldp-v1.1-train/tydiqa.goldp.en.train.json"
TYDIQA_DEV = "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json"


def rows(task: str, split: str, language: str, root: Path, limit: int = 0) -> Loaded:
    """The split as its official file below the root gives it."""
    place = DataPlace("local", str(root), "", offline=True)
    data = pin(task_named(task), split, language, place, limit, lambda path: "0" * 64)
    assert isinstance(data, Data), f"no {split} file of {task} in {language}"
    return load(task_named(task), data, place)


def refusal(task: str, split: str, root: Path, language: str = "en") -> str:
    """The message with which the split is refused, at most three lines."""
    with pytest.raises(Mistake) as caught:
        rows(task, split, language, root)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def write(root: Path, relative: str, content: str) -> Path:
    """A file below the root."""
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())
    return path


def asked(
    id: str, question: str = "Where?", context: str = "It is in Rome.", *answers: tuple[str, int]
) -> dict[str, Any]:
    """One question with its context; (text, start) pairs are its answers, one good answer unless some are given."""
    given = [{"text": text, "answer_start": start} for text, start in (answers or (("Rome", 9),))]
    return {"context": context, "qas": [{"id": id, "question": question, "answers": given}]}


def write_squad(root: Path, relative: str, *paragraphs: dict[str, Any]) -> Path:
    """A file in SQuAD's layout with these paragraphs."""
    return write(root, relative, json.dumps({"data": [{"title": "t", "paragraphs": list(paragraphs)}]}))


def write_pairs(root: Path, relative: str, *labels: str | None) -> Path:
    """A MultiNLI jsonl file with these gold labels."""
    lines = [
        json.dumps({"sentence1": f"a{n}", "sentence2": f"b{n}", "gold_label": label, "pairID": f"{n}e", "genre": ""})
        for n, label in enumerate(labels)
    ]
    return write(root, relative, "\n".join(lines) + "\n")


def test_pairs_without_a_majority_label_are_left_out_and_counted(tmp_path: Path) -> None:
    write_pairs(tmp_path, MNLI_TRAIN, "neutral", "-", "entailment", "contradiction")
    loaded = rows("mnli", "train", "en", tmp_path)
    assert [example.id for example in loaded.examples] == ["0e", "2e", "3e"]
    assert (loaded.rows, loaded.excluded) == (4, 1)


def test_three_neighbouring_pairs_share_a_premise_and_so_a_cluster(tmp_path: Path) -> None:
    write_pairs(tmp_path, MNLI_DEV, *["neutral"] * 4)
    assert [example.cluster for example in rows("mnli", "validation", "en", tmp_path).examples] == ["0", "0", "0", "1"]


def test_the_three_layouts_of_multinli_give_the_same_pairs(tmp_path: Path) -> None:
    write_pairs(tmp_path / "jsonl", MNLI_TRAIN, "neutral", "entailment")
    header = "index\tpairID\tsentence1\tsentence2\tgold_label\n"
    write(tmp_path / "glue", "MNLI/train.tsv", f"{header}0\t0e\ta0\tb0\tneutral\n1\t1e\ta1\tb1\tentailment\n")
    write(tmp_path / "xtreme", "xnli/train-en.tsv", "a0\tb0\tneutral\r\na1\tb1\tentailment\r\n")
    found = [rows("mnli", "train", "en", tmp_path / root).examples for root in ("jsonl", "glue", "xtreme")]
    pairs = [
        [(one.text_a, one.text_b, one.label) for one in examples if isinstance(one, PairExample)] for examples in found
    ]
    assert pairs[0] == pairs[1] == pairs[2] == [("a0", "b0", "neutral"), ("a1", "b1", "entailment")]


def test_the_first_layout_that_is_there_is_the_one_that_is_read(tmp_path: Path) -> None:
    task = task_named("mnli")
    assert isinstance(locate(task, "train", "en", tmp_path), Absent)
    write(tmp_path, "xnli/train-en.tsv", "a\tb\tneutral\n")
    write_pairs(tmp_path, MNLI_TRAIN, "neutral")
    found = locate(task, "train", "en", tmp_path)
    assert isinstance(found, Found)
    assert found.paths == (tmp_path / MNLI_TRAIN,)


def test_test_files_without_labels_or_answers_are_read_as_unlabelled(tmp_path: Path) -> None:
    write(tmp_path, "xnli/test-sw.tsv", "a\tb\r\nc\td\r\n")
    write_squad(
        tmp_path,
        "xquad/xquad.el.json",
        asked("1", "Πού;", "Στη Ρώμη.", ("", 0)),
        asked("2", "Πού;", "Στη Ρώμη.", ("Ρώμη", 4)),
    )
    pairs, questions = rows("xnli", "test", "sw", tmp_path), rows("xquad", "test", "el", tmp_path)
    assert [example.label for example in pairs.examples if isinstance(example, PairExample)] == [None, None]
    assert [example.answers for example in questions.examples if isinstance(example, SpanExample)] == [
        (),
        (Answer("Ρώμη", 4),),
    ]
    assert (pairs.unlabelled, questions.unlabelled) == (2, 1)


def test_an_answer_beside_its_offset_is_moved_and_counted(tmp_path: Path) -> None:
    context = "Rome, and Rome again."
    write_squad(
        tmp_path,
        "squad/train-v1.1.json",
        asked("1", "Where?", context, ("Rome", 11)),
        asked("2", "Where?", context, ("Rome", 0)),
    )
    loaded = rows("squad", "train", "en", tmp_path)
    assert [example.answers for example in loaded.examples if isinstance(example, SpanExample)] == [
        (Answer("Rome", 10),),
        (Answer("Rome", 0),),
    ]
    assert loaded.moved == 1


def test_a_limit_keeps_the_first_examples_after_all_rows_were_checked(tmp_path: Path) -> None:
    write_pairs(tmp_path, MNLI_TRAIN, "-", "neutral", "entailment", "contradiction")
    assert [example.id for example in rows("mnli", "train", "en", tmp_path, limit=2).examples] == ["1e", "2e"]
    write_pairs(tmp_path, MNLI_TRAIN, "neutral", "maybe")
    with pytest.raises(Mistake, match="found 'maybe'"):
        rows("mnli", "train", "en", tmp_path, limit=1)


def test_a_label_from_nowhere_is_named_with_its_line_and_the_labels_there_are(tmp_path: Path) -> None:
    path = write_pairs(tmp_path, MNLI_DEV, "neutral", "contradictory")
    assert refusal("mnli", "validation", tmp_path) == (
        f"{path}, line 2: expected a label of contradiction, entailment, neutral, found 'contradictory'"
    )


@pytest.mark.parametrize("label", ["", None], ids=["empty", "null"])
def test_a_blank_label_is_refused_in_training_and_kept_as_unlabelled_elsewhere(
    tmp_path: Path, label: str | None
) -> None:
    path = write_pairs(tmp_path, MNLI_TRAIN, "neutral", label)
    write_pairs(tmp_path, MNLI_DEV, "neutral", label)
    assert refusal("mnli", "train", tmp_path) == f"{path}, line 2: expected a label, found none"
    assert rows("mnli", "validation", "en", tmp_path).unlabelled == 1


def test_texts_that_are_empty_or_no_texts_are_named_with_their_line(tmp_path: Path) -> None:
    path = write(tmp_path, "xnli/dev-en.tsv", "a\tb\tneutral\n \t\tneutral\n")
    assert refusal("xnli", "validation", tmp_path) == f"{path}, line 2: expected two texts, found both empty"
    row = {"sentence1": None, "sentence2": "b", "gold_label": "neutral", "pairID": "0"}
    path = write(tmp_path, MNLI_TRAIN, json.dumps(row))
    assert refusal("mnli", "train", tmp_path) == f"{path}, line 1: expected two texts, found None"


def test_an_answer_that_its_context_does_not_hold_is_named_with_its_place_and_id(tmp_path: Path) -> None:
    path = write_squad(
        tmp_path, "squad/dev-v1.1.json", asked("q7", "Where?", "It is in Rome.", ("Rome", 9), ("Paris", 9))
    )
    place = "data[0].paragraphs[0].qas[0] (id q7)"
    assert (
        refusal("squad", "validation", tmp_path)
        == f"{path}, {place}: expected the answer in its context, found 'Paris' nowhere in it"
    )


def test_a_training_question_without_an_answer_is_named(tmp_path: Path) -> None:
    path = write_squad(tmp_path, "squad/train-v1.1.json", asked("q7", "Where?", "It is in Rome.", ("", 0)))
    assert (
        refusal("squad", "train", tmp_path)
        == f"{path}, data[0].paragraphs[0].qas[0] (id q7): expected an answer, found none"
    )


def test_a_split_without_rows_is_refused(tmp_path: Path) -> None:
    for relative, content in ((MNLI_TRAIN, ""), ("squad/train-v1.1.json", '{"data": []}'), ("xnli/dev-en.tsv", "")):
        write(tmp_path, relative, content)
    write_pairs(tmp_path, MNLI_DEV, "-", "-")
    assert refusal("mnli", "train", tmp_path) == f"{tmp_path / MNLI_TRAIN}: expected mnli train rows, found none"
    assert refusal("mnli", "validation", tmp_path).endswith("expected mnli validation rows, found none")
    assert refusal("squad", "train", tmp_path).endswith("expected squad train rows, found none")
    assert refusal("xnli", "validation", tmp_path).endswith("expected xnli validation rows, found none")


def test_an_id_that_occurs_twice_is_refused_where_answers_are_matched_by_id(tmp_path: Path) -> None:
    path = write_squad(tmp_path, "xquad/xquad.en.json", asked("q1"), asked("q2"), asked("q1"))
    write_squad(tmp_path, "squad/train-v1.1.json", asked("q1"), asked("q1"))
    assert refusal("xquad", "test", tmp_path) == f"{path}: expected ids that occur once, found 'q1' twice"
    assert len(rows("squad", "train", "en", tmp_path).examples) == 2


@pytest.mark.parametrize(
    ("paragraphs", "found"),
    [
        (
            [
                asked("english-1-0"),
                asked("finnish-2-0", "Missä?", "Se on Roomassa.", ("Roomassa", 6)),
                asked("swahili-3-0"),
            ],
            "2 questions of other languages, the first is 'finnish-2-0'",
        ),
        ([asked(str(number)) for number in range(3697)], "3,697 questions; the English part has 3,696"),
        ([asked("1"), asked("2", "Где находится Рим?")], "1 questions not in Latin letters, the first is '2'"),
    ],
    ids=["ids", "too many", "letters"],
)
def test_a_tydiqa_training_file_with_other_languages_is_refused(
    tmp_path: Path, paragraphs: list[dict[str, Any]], found: str
) -> None:
    path = write_squad(tmp_path, TYDIQA_TRAIN, *paragraphs)
    assert refusal("tydiqa", "train", tmp_path) == f"{path}: expected tydiqa training rows in 'en', found {found}"


def test_an_english_tydiqa_question_about_a_foreign_word_is_no_sign_of_another_language(tmp_path: Path) -> None:
    write_squad(tmp_path, TYDIQA_TRAIN, asked("1", "What does the Russian word Рим mean?"))
    assert len(rows("tydiqa", "train", "en", tmp_path).examples) == 1


def test_tydiqa_files_are_found_under_both_of_their_names(tmp_path: Path) -> None:
    write_squad(tmp_path, TYDIQA_DEV.replace(".goldp", ""), asked("1"))
    assert len(rows("tydiqa", "test", "en", tmp_path).examples) == 1


def test_an_absent_file_says_where_it_was_looked_for_and_how_to_get_it(tmp_path: Path) -> None:
    place = DataPlace("local", str(tmp_path), "", offline=True)
    assert pin(task_named("xquad"), "test", "el", place, 0, str) == Absent(("xquad/xquad.el.json",))
    write_squad(tmp_path, "xquad/xquad.el.json", asked("1"))
    data = pin(task_named("xquad"), "test", "el", place, 0, str)
    assert isinstance(data, Data)
    (tmp_path / "xquad" / "xquad.el.json").unlink()
    with pytest.raises(Mistake) as caught:
        load(task_named("xquad"), data, place)
    assert f"looked for xquad/xquad.el.json in {tmp_path}\n" in str(caught.value)
    assert f"stilts data fetch xquad data.root={tmp_path} fetches" in str(caught.value)


def test_a_root_that_is_no_folder_is_refused_before_any_file_is_looked_for(tmp_path: Path) -> None:
    place = DataPlace("local", str(tmp_path / "absent"), "", offline=True)
    with pytest.raises(Mistake, match="is not a folder\nstilts data check"):
        pin(task_named("squad"), "train", "en", place, 0, str)


def test_the_digest_of_the_file_names_the_rows_wherever_the_file_is(tmp_path: Path) -> None:
    found = []
    for root in (tmp_path / "here", tmp_path / "there"):
        write_squad(root, "squad/train-v1.1.json", asked("1"))
        place = DataPlace("local", str(root), "", offline=True)
        found.append(pin(task_named("squad"), "train", "en", place, 0, lambda path: str(len(path.read_bytes()))))
    assert found[0] == found[1]


OFFICIAL = [
    ("squad", "train", (11877, 87599)),
    ("squad", "validation", (1680, 10570)),
    ("tydiqa", "train", (3696,)),
    ("tydiqa", "validation", (440,)),
    ("mnli", "train", (8414, 392702)),
    ("mnli", "validation", (1401, 9815)),
    ("xnli", "validation", (999, 2490)),
]


@pytest.mark.parametrize(("task", "split", "sizes"), OFFICIAL, ids=[f"{task} {split}" for task, split, _ in OFFICIAL])
def test_official_english_files_have_the_published_rows_or_those_of_the_small_copies(
    data_root: Path, task: str, split: str, sizes: tuple[int, ...]
) -> None:
    loaded = rows(task, split, "en", data_root)
    assert len(loaded.examples) in sizes
    assert loaded.moved == 0
    assert loaded.unlabelled == 0 or split != "train"


@pytest.mark.parametrize(("task", "sizes"), [("xquad", (1190,)), ("xnli", (498, 5010))])
def test_official_test_files_are_equally_long_in_every_language_that_is_there(
    data_root: Path, task: str, sizes: tuple[int, ...]
) -> None:
    present = [
        code
        for code in task_named(task).languages
        if isinstance(locate(task_named(task), "test", code, data_root), Found)
    ]
    found = {code: rows(task, "test", code, data_root) for code in present}
    assert {len(loaded.examples) for loaded in found.values()} in [{size} for size in sizes]
    assert {code: loaded.moved for code, loaded in found.items() if loaded.moved} == {}
