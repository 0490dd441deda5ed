"""Sets of rows as a training asks for them: several tasks or languages as one, variants, limits, labels."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import PairExample, SentenceExample, TagExample, TextExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data, Mixture
from stilts_xl.core.task import Row
from stilts_xl.data.examples import Loaded, load, load_rows
from stilts_xl.data.sources import Absent, pin
from stilts_xl.tasks.catalog import task_named

NLI = ("contradiction", "entailment", "neutral")


def write(root: Path, relative: str, content: str) -> None:
    """A file below the root."""
    (root / relative).parent.mkdir(parents=True, exist_ok=True)
    (root / relative).write_bytes(content.encode())


def write_anli(root: Path, *sizes: int) -> None:
    """ANLI's three rounds with that many pairs; ids name the round."""
    for round, size in enumerate(sizes, 1):
        lines = [
            json.dumps({"uid": f"r{round}-{n}", "context": "c", "hypothesis": f"h{n}", "label": "enc"[n % 3]})
            for n in range(size)
        ]
        write(root, f"anli/anli_v1.0/R{round}/train.jsonl", "\n".join(lines) + "\n")


def write_pairs(root: Path, relative: str, size: int) -> None:
    """A file in MultiNLI's or SNLI's schema."""
    lines = [
        json.dumps(
            {"sentence1": "a", "sentence2": f"b{n}", "gold_label": NLI[n % 3], "pairID": str(n), "captionID": "x"}
        )
        for n in range(size)
    ]
    write(root, relative, "\n".join(lines) + "\n")


def pinned(task: str, split: str, language: str, root: Path, limit: int = 0) -> Data:
    """The split as a stage names it."""
    data = pin(task_named(task), split, language, DataPlace("local", str(root), "", True), limit, lambda path: "0" * 64)
    assert not isinstance(data, Absent), data.looked
    return data


def rows(data: Data | Mixture, root: Path) -> Loaded:
    """The rows from below the root."""
    return load_rows(data, DataPlace("local", str(root), "", offline=True))


@pytest.fixture
def nli(tmp_path: Path) -> Path:
    """A root with the three parts of ANLI+."""
    write_anli(tmp_path, 1, 2, 3)
    write_pairs(tmp_path, "mnli/multinli_1.0/multinli_1.0_train.jsonl", 4)
    write_pairs(tmp_path, "snli/snli_1.0/snli_1.0_train.jsonl", 5)
    return tmp_path


def mixture(root: Path, limit: int = 0) -> Mixture:
    """ANLI+'s training rows."""
    parts = task_named("anli_plus").parts
    return Mixture("anli_plus", "classify", tuple(pinned(part, "train", "en", root, limit) for part in parts))


def test_the_three_rounds_of_anli_are_one_set_in_their_order(nli: Path) -> None:
    loaded = rows(pinned("anli", "train", "en", nli), nli)
    assert [one.id for one in loaded.examples] == ["r1-0", "r2-0", "r2-1", "r3-0", "r3-1", "r3-2"]
    assert (loaded.rows, loaded.parts, loaded.labels) == (6, (6,), NLI)
    assert loaded.origin == f"{nli / 'anli/anli_v1.0/R1/train.jsonl'} and 2 more"


def test_an_error_in_one_of_several_files_names_that_file(nli: Path) -> None:
    path = nli / "anli/anli_v1.0/R2/train.jsonl"
    path.write_text(path.read_text().replace('"label": "n"', '"label": "x"'), encoding="utf-8")
    with pytest.raises(
        Mistake, match=f"^{path}, line 2: expected a label of contradiction, entailment, neutral, found"
    ):
        rows(pinned("anli", "train", "en", nli), nli)


def test_a_mixture_is_its_parts_one_after_another_under_names_of_their_own(nli: Path) -> None:
    loaded = rows(mixture(nli), nli)
    assert loaded.parts == (6, 4, 5)
    assert loaded.labels == NLI
    assert (loaded.rows, loaded.excluded, loaded.unlabelled) == (15, 0, 0)
    assert [one.id for one in loaded.examples[5:7]] == ["anli/r3-2", "mnli/0"]
    assert len({one.id for one in loaded.examples}) == 15
    parts = {(one.id.split("/")[0], one.cluster.split("/")[0]) for one in loaded.examples}
    assert parts == {("anli", "anli"), ("mnli", "mnli"), ("snli", "snli")}
    alone = [one for part in mixture(nli).parts for one in rows(part, nli).examples]
    whole = [replace(one, id=one.id.split("/", 1)[1], cluster=one.cluster.split("/", 1)[1]) for one in loaded.examples]
    assert whole == alone


def test_a_limit_holds_for_each_part(nli: Path) -> None:
    loaded = rows(mixture(nli, limit=2), nli)
    assert loaded.parts == (2, 2, 2)
    assert [one.id for one in loaded.examples] == ["anli/r1-0", "anli/r2-0", "mnli/0", "mnli/1", "snli/0", "snli/1"]


def test_parts_with_other_labels_are_no_mixture(nli: Path) -> None:
    write(nli, "pawsx/train-en.tsv", "a\tb\t0\nc\td\t1\n")
    parts = (pinned("mnli", "train", "en", nli), pinned("pawsx", "train", "en", nli))
    with pytest.raises(Mistake, match="the parts of odd must share their labels: .* contradiction, .*; .* has 0, 1"):
        rows(Mixture("odd", "classify", parts), nli)


def test_languages_of_running_text_are_a_mixture_named_by_language(tmp_path: Path) -> None:
    write(tmp_path, "mlm/train.de.txt", "eins\nzwei\n")
    write(tmp_path, "mlm/train.sw.txt", "moja\n")
    parts = tuple(pinned("mlm", "train", language, tmp_path) for language in ("de", "sw"))
    loaded = rows(Mixture("mlm", "mlm", parts), tmp_path)
    assert loaded.parts == (2, 1)
    assert [one.id for one in loaded.examples] == ["de/0", "de/1", "sw/0"]
    assert [one.language for one in loaded.examples if isinstance(one, TextExample)] == ["de", "de", "sw"]


def test_undivided_text_is_divided_by_row_and_no_row_changes_its_id(tmp_path: Path) -> None:
    write(tmp_path, "mlm_text/flores200_dev/deu_Latn.dev", "".join(f"Satz {number}\n" for number in range(45)))
    train, validation = (rows(pinned("mlm", split, "de", tmp_path), tmp_path) for split in ("train", "validation"))
    assert [one.id for one in validation.examples] == ["19", "39"]
    assert (len(train.examples), train.rows, train.excluded) == (43, 43, 0)
    texts = {one.id: one.text for one in (*train.examples, *validation.examples) if isinstance(one, TextExample)}
    assert texts == {str(number): f"Satz {number}" for number in range(45)}


def test_a_variant_changes_raw_rows_before_anything_is_made_of_them(tmp_path: Path) -> None:
    write(tmp_path, "pawsx/test-de.tsv", 'a "b"\tc\t0\n')
    plain = pinned("pawsx", "test", "de", tmp_path)

    def loud(row: Row) -> Row:
        return {**row, "sentence1": row["sentence1"].upper()}

    task = replace(task_named("pawsx"), variants={"loud": loud})
    place = DataPlace("local", str(tmp_path), "", offline=True)
    texts = [
        one.text_a
        for data in (plain, replace(plain, variant="loud"))
        for one in load(task, data, place).examples
        if isinstance(one, PairExample)
    ]
    assert texts == ['a "b"', 'A "B"']


def test_what_a_tasks_function_cannot_digest_is_the_rows_fault(tmp_path: Path) -> None:
    write(tmp_path, "pawsx/test-de.tsv", "a\tb\t0\n")
    data = pinned("pawsx", "test", "de", tmp_path)
    place = DataPlace("local", str(tmp_path), "", offline=True)
    path = tmp_path / "pawsx/test-de.tsv"
    for change, found in (
        (lambda row: {**row, "sentence1": int(row["sentence1"])}, "found invalid literal for int"),
        (lambda row: {"row": 0}, "found no 'sentence1'"),
    ):
        task = replace(task_named("pawsx"), variants={"odd": change})
        with pytest.raises(Mistake) as caught:
            load(task, replace(data, variant="odd"), place)
        assert str(caught.value).startswith(f"{path}, line 1: expected a row of the official schema, {found}")


def write_ccg(root: Path) -> None:
    """Three tagged sentences, and two to validate."""
    write(root, "ccg/ccg.train", "I sleep\tNP S\nyou run\tNP S/S\nwe\tNP\n")
    write(root, "ccg/ccg.dev", "they sleep\tNP S\nx y\tNP N\n")


def test_without_a_list_the_labels_are_the_sorted_tags_of_training_rows(tmp_path: Path) -> None:
    write_ccg(tmp_path)
    assert rows(pinned("ccg", "train", "en", tmp_path), tmp_path).labels == ("NP", "S", "S/S")
    assert rows(pinned("ccg", "train", "en", tmp_path, limit=1), tmp_path).labels == ("NP", "S", "S/S")
    assert rows(pinned("ccg", "validation", "en", tmp_path), tmp_path).labels == ()


@pytest.mark.parametrize("listed", ['["S/S", "S", "NP", "N"]', '{"NP": 2, "N": 3, "S/S": 0, "S": 1}'])
def test_a_label_file_gives_the_labels_in_its_order(tmp_path: Path, listed: str) -> None:
    write_ccg(tmp_path)
    write(tmp_path, "ccg/tags_to_id.json", listed)
    for split in ("train", "validation"):
        assert rows(pinned("ccg", split, "en", tmp_path), tmp_path).labels == ("S/S", "S", "NP", "N")


@pytest.mark.parametrize("listed", ["[]", "{}", '["S", 1]', '["S", "S"]', '{"S": "0"}', '"S"', '["S"'])
def test_a_label_file_that_lists_no_labels_is_named(tmp_path: Path, listed: str) -> None:
    write_ccg(tmp_path)
    write(tmp_path, "ccg/tags_to_id.json", listed)
    with pytest.raises(Mistake, match=f"^{tmp_path / 'ccg/tags_to_id.json'}, line 1.*: expected "):
        rows(pinned("ccg", "train", "en", tmp_path), tmp_path)


def test_tags_that_a_label_file_lacks_are_refused(tmp_path: Path) -> None:
    write_ccg(tmp_path)
    write(tmp_path, "ccg/tags_to_id.json", '["NP", "S", "S/S"]')
    assert len(rows(pinned("ccg", "train", "en", tmp_path), tmp_path).examples) == 3
    with pytest.raises(Mistake, match="ccg.dev, line 2: expected a label of NP, S, S/S, found 'N'"):
        rows(pinned("ccg", "validation", "en", tmp_path), tmp_path)


def test_torn_rows_are_counted_and_never_shown_to_a_tasks_own_check(tmp_path: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    write(tmp_path, "QQP/train.tsv", f"{header}0\t1\t2\ta\tb\t0\n1\t3\t4\tc\n\td\t1\n2\t5\t6\te\tf\t1\n")
    seen: list[Row] = []

    def look(language: str, rows: list[Row]) -> str:
        seen.extend(rows)
        return "something" if language == "de" else ""

    task = replace(task_named("qqp"), check_train=look)
    place = DataPlace("local", str(tmp_path), "", offline=True)
    data = pinned("qqp", "train", "en", tmp_path)
    loaded = load(task, data, place)
    assert (len(loaded.examples), loaded.rows, loaded.excluded) == (2, 4, 2)
    assert [row["id"] for row in seen] == ["0", "2"]
    with pytest.raises(Mistake, match="train.tsv: expected qqp training rows in 'de', found something"):
        load(task, replace(data, language="de"), place)


def test_sentences_whose_text_is_withheld_are_counted_as_left_out(tmp_path: Path) -> None:
    def treebank(*forms: str) -> str:
        lines = [f"{n}\t{form}\t_\tX\t_\t_\t{n - 1}\t_\t_\t_" for n, form in enumerate(forms, 1)]
        return "\n".join([*lines, "", ""])

    content = treebank("a", "b") + treebank("_", "_") + treebank("c")
    write(tmp_path, "ud_conllu/UD_German-Toy/de_toy-ud-test.conllu", content)
    loaded = rows(pinned("udpos", "test", "de", tmp_path), tmp_path)
    assert [one.words for one in loaded.examples if isinstance(one, TagExample)] == [("a", "b"), ("c",)]
    assert (loaded.rows, loaded.excluded) == (3, 1)


def test_a_limited_search_keeps_the_translations_of_its_queries_among_the_candidates(tmp_path: Path) -> None:
    foreign = [f"Satz {number}" for number in range(10)]
    english = [f"{'jihgfedcba'[number]} sentence" for number in range(10)]
    write(tmp_path, "tatoeba/tatoeba.deu-eng.deu", "\n".join(foreign) + "\n")
    write(tmp_path, "tatoeba/tatoeba.deu-eng.eng", "\n".join(english) + "\n")
    loaded = rows(pinned("tatoeba", "test", "de", tmp_path, limit=2), tmp_path)
    sentences = [one for one in loaded.examples if isinstance(one, SentenceExample)]
    assert [(one.id, one.text, one.gold) for one in sentences if one.query] == [
        ("0", "a sentence", ("9",)),
        ("1", "b sentence", ("8",)),
    ]
    assert [one.id for one in sentences if not one.query] == ["0", "1", "8", "9"]
    whole = rows(pinned("tatoeba", "test", "de", tmp_path), tmp_path)
    assert len(whole.examples) == 20
    assert loaded.rows == 20


def test_a_limited_search_without_gold_keeps_as_many_of_each_side(tmp_path: Path) -> None:
    write(tmp_path, "tatoeba/de-en.de", "c\na\nb\n")
    write(tmp_path, "tatoeba/de-en.en", "A\nB\nC\n")
    loaded = rows(pinned("tatoeba", "test", "de", tmp_path, limit=2), tmp_path)
    assert [one.id for one in loaded.examples] == ["0", "1", "0", "1"]
    assert loaded.unlabelled == 2
