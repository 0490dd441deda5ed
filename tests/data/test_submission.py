"""XTREME's submission layout is read as its evaluator reads it, refused where it is broken, and written back."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.data.submission import LAYOUTS, UNANSWERED, file_of, read_rows, write_labels, write_predictions
from stilts_xl.metrics.scores import score
from stilts_xl.tasks.catalog import task_named

Rows = list[dict[str, Any]]


def put(folder: Path, name: str, language: str, text: str) -> Path:
    path = file_of(folder, task_named(name), language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def read(folder: Path, name: str, language: str, predictions: str, labels: str) -> Rows:
    """Rows from the texts of the two files."""
    put(folder / "predictions", name, language, predictions)
    put(folder / "labels", name, language, labels)
    return read_rows(folder / "predictions", folder / "labels", task_named(name), language)


def squad(*questions: tuple[str, list[str]]) -> str:
    qas = [{"id": name, "answers": [{"text": gold} for gold in golds]} for name, golds in questions]
    return json.dumps({"data": [{"paragraphs": [{"qas": qas[:1]}, {"qas": qas[1:]}]}]})


def test_labels_are_one_a_line_whatever_ends_it(tmp_path: Path):
    rows = read(tmp_path, "xnli", "sw", "neutral\r\nentailment \r\nneutral", "neutral\nneutral\nneutral\n")
    assert rows == [
        {"id": "0", "prediction": "neutral", "gold": "neutral"},
        {"id": "1", "prediction": "entailment", "gold": "neutral"},
        {"id": "2", "prediction": "neutral", "gold": "neutral"},
    ]


@pytest.mark.parametrize("end", ["", "\n", "\n\n"], ids=["no line end", "a line end", "a blank line"])
def test_a_file_of_tags_may_end_with_its_last_tag_or_with_one_blank_line(tmp_path: Path, end: str):
    rows = read(tmp_path, "udpos", "fi", f"NOUN\nVERB\n\nX{end}", "NOUN\nNOUN\n\nX\n")
    assert [(row["prediction"], row["gold"]) for row in rows] == [(["NOUN", "VERB"], ["NOUN", "NOUN"]), (["X"], ["X"])]


@pytest.mark.parametrize(
    ("predictions", "line"),
    [("O\n\nB-PER\n\n\n", 5), ("O\n\n\nB-PER\n", 3), ("\nO\n\nB-PER\n", 1)],
    ids=["at the end", "in between", "at the start"],
)
def test_an_extra_blank_line_is_an_extra_sentence_and_refused(tmp_path: Path, predictions: str, line: int):
    with pytest.raises(
        Mistake, match=r"predictions/panx/test-tl\.tsv: expected 2 sentences .*, found 3.*line \d"
    ) as told:
        read(tmp_path, "panx", "tl", predictions, "O\n\nB-PER\n")
    assert f"blank line {line} ends an empty one" in str(told.value)


def test_an_empty_sentence_in_both_files_counts_nothing(tmp_path: Path):
    rows = read(tmp_path, "panx", "tl", "O\n\n\nB-PER\n", "O\n\n\nB-PER\n")
    assert [row["gold"] for row in rows] == [["O"], ["B-PER"]]


def test_every_word_of_a_sentence_needs_its_tag(tmp_path: Path):
    with pytest.raises(
        Mistake, match=r"predictions/udpos/test-en\.tsv, line 3: expected a sentence of 2 tags .*found 1"
    ):
        read(tmp_path, "udpos", "en", "X\n\nX\n", "X\n\nX\nNOUN\n")


def test_the_label_outside_may_be_predicted_for_a_word(tmp_path: Path):
    assert read(tmp_path, "udpos", "en", "O\n", "X\n")[0]["prediction"] == ["O"]


BROKEN = {
    "a line too few": ("xnli", "neutral\n", "neutral\nneutral\n", "expected 2 lines", "found 1"),
    "a line too many": ("pawsx", "1\n1\n", "1\n", "expected 1 lines", "found 2"),
    "a blank line at the end": ("pawsx", "1\n\n", "1\n", "line 2", "an empty line"),
    "another word": ("xnli", "neutral\ncontradictory\n", "neutral\nneutral\n", "line 2", "'contradictory'"),
    "the label's number": ("xnli", "2\n", "neutral\n", "one of contradiction, entailment, neutral", "'2'"),
    "a tag with its token": ("panx", "Rom\tB-LOC\n", "B-LOC\n", "line 1", r"'Rom\tB-LOC'"),
    "another tag": ("panx", "B-MISC\n", "B-LOC\n", "line 1: expected one of O, B-LOC", "'B-MISC'"),
    "a list": ("tatoeba", "[308]\n", "308\n", "line 1: expected a row number", "'[308]'"),
    "a negative row": ("tatoeba", "3\n-1\n", "3\n4\n", "line 2", "'-1'"),
    "a fraction": ("tatoeba", "3.0\n", "3\n", "line 1", "'3.0'"),
    "a row too few": ("tatoeba", "3\n", "3\n4\n", "expected 2 lines", "found 1"),
    "no tab": ("bucc2018", "xx-1 en-1\n", "xx-1\ten-1\n", "two ids with a tab between", "'xx-1 en-1'"),
    "three ids": ("bucc2018", "xx-1\ten-1\ten-2\n", "xx-1\ten-1\n", "line 1", "two ids"),
    "a blank line of pairs": ("bucc2018", "xx-1\ten-1\n\n", "xx-1\ten-1\n", "line 2", "an empty line"),
    "cut JSON": ("xquad", '{"q1": "a', squad(("q1", ["a"])), "line 1", "expected JSON", "cut short"),
    "a list of answers": ("xquad", '["a"]', squad(("q1", ["a"])), "a JSON object {question id: answer}", "a list"),
    "a list as answer": ("mlqa", '{"q1": ["a"]}', squad(("q1", ["a"])), "question 'q1'", "an answer as text", "a list"),
    "null as answer": ("tydiqa", '{"q1": null}', squad(("q1", ["a"])), "question 'q1'", "null"),
    "not UTF-8": ("xnli", "neutral\n\udcff", "neutral\n", "UTF-8 text"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_prediction_file_is_named_with_what_was_expected_and_found(name: str, tmp_path: Path):
    task, predictions, labels, *told = BROKEN[name]
    put(tmp_path / "labels", task, "de", labels)
    path = file_of(tmp_path / "predictions", task_named(task), "de")
    path.parent.mkdir(parents=True)
    path.write_bytes(predictions.encode(errors="surrogateescape"))
    with pytest.raises(Mistake) as error:
        read_rows(tmp_path / "predictions", tmp_path / "labels", task_named(task), "de")
    for part in (str(path), *told):
        assert part in str(error.value)


BROKEN_LABELS = {
    "an empty file": ("xnli", "", "", "found an empty file"),
    "no tags": ("udpos", "\n", "\n", "expected tags"),
    "a blanked label": ("pawsx", "1\n1\n", "1\n\n", "line 2", "an empty line"),
    "no data": ("xquad", "{}", '{"version": "1.1"}', "SQuAD's layout", "no 'data'"),
    "no answers": ("xquad", "{}", '{"data": [{"paragraphs": [{"qas": [{"id": "q"}]}]}]}', "no 'answers'"),
    "a list": ("xquad", "{}", "[]", "SQuAD's layout"),
    "no gold answer": ("tydiqa", "{}", squad(("q1", ["a"]), ("q2", [])), "question 'q2'", "at least one gold answer"),
    "blanked answers": ("mlqa", "{}", squad(("q1", [""]), ("q2", [""])), "2 questions", "official source"),
}


@pytest.mark.parametrize("name", BROKEN_LABELS)
def test_labels_that_are_no_labels_are_refused(name: str, tmp_path: Path):
    task, predictions, labels, *told = BROKEN_LABELS[name]
    with pytest.raises(Mistake) as error:
        read(tmp_path, task, "de", predictions, labels)
    for part in (str(tmp_path / "labels"), *told):
        assert part in str(error.value)


def test_a_question_without_an_answer_counts_0_and_stays_in_the_mean(tmp_path: Path):
    """Four questions: right, wrong, not answered, not answered though the gold is empty once 'The' is gone."""
    labels = squad(("q1", ["red fox"]), ("q2", ["owl"]), ("q3", ["cat"]), ("q4", ["The"]))
    answers = json.dumps({"q1": "The red fox!", "q2": "hen", "another": "cat"})
    rows = read(tmp_path, "xquad", "de", answers, labels)
    assert [row["prediction"] for row in rows] == ["The red fox!", "hen", UNANSWERED, UNANSWERED]
    assert score("squad", rows, "de") == {"exact_match": 25.0, "f1": 25.0}
    rows = read(tmp_path, "xquad", "de", json.dumps({"q1": "red fox", "q4": ""}), labels)
    assert score("squad", rows, "de") == {"exact_match": 50.0, "f1": 25.0}


def test_pairs_are_sets(tmp_path: Path):
    """Three distinct pairs of four are found among five distinct predictions: P 3/5, R 3/4, F1 2/3."""
    labels = "de-1\ten-1\nde-1\ten-2\nde-2\ten-3\nde-3\ten-4\n"
    predictions = "de-9\ten-4\nde-2\ten-3\nde-1\ten-2\nde-1\ten-1\nde-2\ten-3\nde-3\ten-3\n"
    found = score("bucc", read(tmp_path, "bucc2018", "de", predictions, labels), "de")
    assert found == {"precision": 60.0, "recall": 75.0, "f1": pytest.approx(200 / 3)}
    turned = "".join(reversed(predictions.splitlines(keepends=True)))
    assert score("bucc", read(tmp_path, "bucc2018", "de", turned, labels), "de") == found


def test_no_pair_found_is_a_score_of_0(tmp_path: Path):
    rows = read(tmp_path, "bucc2018", "de", "", "de-1\ten-1\n")
    assert score("bucc", rows, "de") == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


def test_what_is_written_is_the_layout_to_the_byte(tmp_path: Path):
    def written(name: str, rows: Rows) -> tuple[str, str]:
        task = task_named(name)
        paths = write_predictions(tmp_path / "p", task, "de", rows), write_labels(tmp_path / "l", task, "de", rows)
        assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
            f"{folder}/{name}/test-de.{'json' if name == 'xquad' else 'tsv'}" for folder in "pl"
        ]
        return paths[0].read_bytes().decode(), paths[1].read_bytes().decode()

    label = {"id": "a", "prediction": "1", "gold": "0"}
    assert written("pawsx", [label, label]) == ("1\n1\n", "0\n0\n")
    sentences = [
        {"id": "s1", "prediction": ["X", "NOUN"], "gold": ["X", "X"]},
        {"id": "s2", "prediction": ["NUM"], "gold": ["SYM"]},
    ]
    assert written("udpos", sentences) == ("X\nNOUN\n\nNUM\n", "X\nX\n\nSYM\n")
    assert written("tatoeba", [{"id": "0", "prediction": "7", "gold": ["3"]}]) == ("7\n", "3\n")
    queries = [
        {"id": "de-1", "prediction": "en-1", "gold": ["en-2", "en-3"]},
        {"id": "de-2", "prediction": "", "gold": []},
        {"id": "de-3", "prediction": "en-9", "gold": []},
    ]
    assert written("bucc2018", queries) == ("de-1\ten-1\nde-3\ten-9\n", "de-1\ten-2\nde-1\ten-3\n")
    answers, golds = written("xquad", [{"id": "q1", "prediction": "日本", "gold": ["日本", "Japan"]}])
    assert json.loads(answers) == {"q1": "日本"} and answers.isascii()
    [paragraph] = json.loads(golds)["data"][0]["paragraphs"]
    [question] = paragraph["qas"]
    assert question["answers"] == [{"text": "日本", "answer_start": 0}, {"text": "Japan", "answer_start": 0}]


def test_labels_are_not_written_where_they_are_hidden(tmp_path: Path):
    rows = [{"id": "a", "prediction": "1", "gold": "0"}, {"id": "b", "prediction": "1", "gold": None}]
    with pytest.raises(StiltsError, match="pawsx .de.: 1 of 2 rows have no gold, the first is 'b'"):
        write_labels(tmp_path, task_named("pawsx"), "de", rows)
    assert not list(tmp_path.iterdir())


def test_a_question_id_that_stands_twice_cannot_be_written(tmp_path: Path):
    rows = [{"id": "q", "prediction": "a", "gold": ["a"]}, {"id": "q", "prediction": "b", "gold": ["b"]}]
    with pytest.raises(StiltsError, match="'q' stands in several rows"):
        write_predictions(tmp_path, task_named("mlqa"), "de", rows)


def test_a_task_outside_the_layout_is_named(tmp_path: Path):
    with pytest.raises(Mistake, match="unknown task in XTREME's submission layout 'mnli'.*\n.*known: bucc2018"):
        write_predictions(tmp_path, task_named("mnli"), "en", [])


text = st.text(alphabet="ab ال,中\n", max_size=6)
golds = text.filter(str.strip)


def numbered(items: st.SearchStrategy[tuple[Any, Any]]) -> st.SearchStrategy[Rows]:
    """Rows with ids of their own from (prediction, gold)."""
    return st.lists(items, min_size=1, max_size=6).map(
        lambda pairs: [{"id": f"i-{n}", "prediction": made, "gold": gold} for n, (made, gold) in enumerate(pairs)]
    )


def labelled(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(task_named(name).labels)


def tagged(name: str) -> st.SearchStrategy[Rows]:
    return numbered(
        st.lists(st.tuples(labelled(name), labelled(name)), min_size=1, max_size=5).map(
            lambda words: ([made for made, _ in words], [gold for _, gold in words])
        )
    )


places = st.integers(0, 9).map(str)
candidates = st.sampled_from(["en-1", "en-2", "en-3"])
ROWS: dict[str, st.SearchStrategy[Rows]] = {
    **{name: numbered(st.tuples(labelled(name), labelled(name))) for name in ("xnli", "pawsx")},
    **{name: tagged(name) for name in ("udpos", "panx")},
    **{
        name: numbered(st.tuples(text, st.lists(golds, min_size=1, max_size=2))) for name in ("xquad", "mlqa", "tydiqa")
    },
    "tatoeba": numbered(st.tuples(places, places.map(lambda place: [place]))),
    "bucc2018": numbered(st.tuples(candidates | st.just(""), st.lists(candidates, unique=True, max_size=2))).filter(
        lambda rows: any(row["gold"] for row in rows)
    ),
}


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@given(data=st.data())
def test_what_is_written_and_read_again_has_the_same_score(name: str, data: st.DataObject, tmp_path_factory):
    task, rows = task_named(name), data.draw(ROWS[name])
    folder = tmp_path_factory.mktemp("round")
    once = write_predictions(folder / "p", task, "de", rows).read_bytes()
    write_labels(folder / "l", task, "de", rows)
    again = read_rows(folder / "p", folder / "l", task, "de")
    assert score(task.scorer, again, "de") == score(task.scorer, rows, "de")
    assert write_predictions(folder / "p", task, "de", again).read_bytes() == once


def test_official_question_files_are_label_files(data_root: Path, tmp_path: Path):
    """Each question answered with its first gold: all exact."""
    for name, official, questions in (
        ("xquad", "xquad/xquad.zh.json", 1190),
        ("tydiqa", "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.sw.dev.json", 499),
    ):
        source = (data_root / official).read_text(encoding="utf-8")
        paragraphs = [paragraph for article in json.loads(source)["data"] for paragraph in article["paragraphs"]]
        answers = {qa["id"]: qa["answers"][0]["text"] for paragraph in paragraphs for qa in paragraph["qas"]}
        rows = read(tmp_path, name, "zh", json.dumps(answers), source)
        assert len(rows) == questions
        assert score("squad", rows, "zh")["exact_match"] == 100.0
