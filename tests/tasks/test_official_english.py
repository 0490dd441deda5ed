"""English task files against official downloads: every row is read, becomes an example, or is left out for a known reason."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stilts_xl.core.errors import Mistake
from stilts_xl.core.example import ChoiceExample, PairExample, SpanExample, TextExample
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Files, Task
from stilts_xl.data.examples import Loaded, load
from stilts_xl.data.formats import read
from stilts_xl.data.sources import Found, locate, pin
from stilts_xl.tasks.catalog import task_named

NAMES = (
    "squad squad_v2 mnli snli anli hellaswag cosmosqa commonsenseqa social_iqa copa qqp ccg mlm tlm".split()
)  # anli_plus has no files of its own
Key = tuple[str, int, str, str]
"""Task, layout, split, language."""


def place_of(root: Path) -> DataPlace:
    return DataPlace("local", str(root), lock="", offline=True)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def layouts_that_are_here(root: Path) -> Iterator[tuple[Key, Task, Found]]:
    """Of every split that some layout can read: its key, the task with that layout alone, and the files."""
    for task in map(task_named, NAMES):
        for number, layout in enumerate(task.files):
            alone = replace(task, files=(layout,))
            for split in layout.paths:
                for language in task.languages:
                    found = locate(alone, split, language, root)
                    if isinstance(found, Found):
                        yield (task.name, number, split, language), alone, found


@pytest.fixture(scope="session")
def counted(data_root: Path) -> dict[str, int]:
    """File -> rows, as the folder's manifest counts them."""
    if not (data_root / "MANIFEST.json").is_file():
        pytest.skip(f"no MANIFEST.json in {data_root} counts the rows of its files")
    manifest = json.loads((data_root / "MANIFEST.json").read_text(encoding="utf-8"))
    return {entry["file"]: entry["n"] for entry in manifest["files"]}


@pytest.fixture(scope="session")
def loaded(data_root: Path) -> dict[Key, Loaded]:
    """Every split of ours that is here, by every layout, through all checks; but of a text too short to divide."""
    return {
        key: load_all(task, key[2], key[3], data_root)
        for key, task, found in layouts_that_are_here(data_root)
        if key[2] != "validation" or long_enough(found)
    }


def long_enough(found: Found) -> bool:
    """Whether a text without official splits has a row to hold out."""
    every = found.layout.held_out
    return not every or len(list(read(found.paths, found.layout))) >= every


def load_all(task: Task, split: str, language: str, root: Path) -> Loaded:
    data = pin(task, split, language, place_of(root), 0, digest_of)
    assert isinstance(data, Data)
    return load(task, data, place_of(root))


OFFICIAL = {
    *(f"squad/{split}-v1.1.json" for split in ("train", "dev")),
    *(f"squad_v2/{split}-v2.0.json" for split in ("train", "dev")),
    *(f"mnli/multinli_1.0/multinli_1.0_{split}.jsonl" for split in ("train", "dev_matched")),
    "xnli/train-en.tsv",
    *(f"snli/snli_1.0/snli_1.0_{split}.jsonl" for split in ("train", "dev")),
    *(f"anli/anli_v1.0/R{number}/{split}.jsonl" for number in (1, 2, 3) for split in ("train", "dev")),
    *(f"hellaswag/hellaswag_{split}.jsonl" for split in ("train", "val")),
    *(f"cosmosqa/{split}.csv" for split in ("train", "valid")),
    *(f"commonsenseqa/{split}_rand_split{end}.jsonl" for split, end in (("train", ""), ("dev", ""), ("test", "_no_answers"))),
    "siqa/socialIQa_v1.4_dev.jsonl",
    *(f"xcopa/copa/{split}-en.jsonl" for split in ("train", "val")),
}  # fmt: skip


def test_every_file_of_ours_has_the_rows_that_the_manifest_counts(data_root: Path, counted: dict[str, int]) -> None:
    layouts: dict[str, Files] = {}
    for _, task, found in layouts_that_are_here(data_root):
        if found.layout.format != "parallel":  # whose files are counted as running text
            layouts |= {path.relative_to(data_root).as_posix(): task.files[0] for path in found.paths}
    text = {name for name in counted if name.startswith("mlm_text/") and name.endswith((".dev", ".txt"))}
    assert set(layouts) == (OFFICIAL | text) & set(counted), "no file is read that should not be, and none left"
    rows = {name: len(list(read((data_root / name,), layout))) for name, layout in layouts.items()}
    assert rows == {name: counted[name] for name in layouts}


def test_no_row_is_lost_but_pairs_without_a_majority(
    data_root: Path, loaded: dict[Key, Loaded], counted: dict[str, int]
) -> None:
    for key, task, found in layouts_that_are_here(data_root):
        if key in loaded and found.layout.format not in ("text", "parallel"):
            rows = sum(counted[path.relative_to(data_root).as_posix()] for path in found.paths)
            judged = "gold_label" in found.layout.columns
            undecided = judged and sum(row["gold_label"] == "-" for _, row in read(found.paths, found.layout))
            assert (loaded[key].rows, loaded[key].excluded) == (rows, undecided), task.name
            assert len(loaded[key].examples) == rows - undecided
    assert all(split.rows == len(split.examples) for key, split in loaded.items() if key[0] in ("mlm", "tlm"))


def test_the_rows_of_several_files_and_of_both_halves_of_a_text_add_up(
    loaded: dict[Key, Loaded], counted: dict[str, int]
) -> None:
    for split, theirs in (("train", "train"), ("validation", "dev")):
        rounds = [counted[f"anli/anli_v1.0/R{number}/{theirs}.jsonl"] for number in (1, 2, 3)]
        assert loaded["anli", 0, split, "en"].rows == sum(rounds)
    for layout, language, file in ((1, "sw", "flores200_dev/swh_Latn.dev"), (2, "de", "ud_text/de.txt")):
        train, held_out = (loaded["mlm", layout, split, language] for split in ("train", "validation"))
        assert train.rows + held_out.rows == counted[f"mlm_text/{file}"]
        assert held_out.rows == counted[f"mlm_text/{file}"] // 20
        assert {example.id for example in train.examples}.isdisjoint(example.id for example in held_out.examples)


def test_ids_occur_once_in_a_split(loaded: dict[Key, Loaded]) -> None:
    for key, split in loaded.items():
        twice = [name for name, count in Counter(example.id for example in split.examples).items() if count > 1]
        assert twice == [], key


def test_only_published_test_sets_hide_what_is_right(loaded: dict[Key, Loaded]) -> None:
    hidden = {key: split.unlabelled for key, split in loaded.items() if split.unlabelled}
    assert hidden.pop(("commonsenseqa", 0, "test", "en")) == 1140
    assert {split for _, _, split, _ in hidden} <= {"test"}


@pytest.mark.parametrize(
    ("task", "split"),
    [("anli", "train"), ("anli", "validation"), ("snli", "train"), ("hellaswag", "train"), ("cosmosqa", "train")]
    + [("commonsenseqa", "train"), ("social_iqa", "validation"), ("copa", "train"), ("mnli", "train")],
)
def test_every_label_is_right_about_as_often_as_any_other(task: str, split: str, loaded: dict[Key, Loaded]) -> None:
    examples = [one for one in loaded[task, 0, split, "en"].examples if isinstance(one, PairExample | ChoiceExample)]
    first = examples[0]
    shares = Counter(example.label for example in examples)
    assert len(shares) == (len(first.options) if isinstance(first, ChoiceExample) else len(task_named(task).labels))
    assert max(shares.values()) < 1.8 * min(shares.values())


def test_hellaswags_options_differ_in_nothing_but_the_ending(loaded: dict[Key, Loaded], data_root: Path) -> None:
    lines = (data_root / "hellaswag" / "hellaswag_val.jsonl").read_text(encoding="utf-8").splitlines()
    for line, example in zip(lines, loaded["hellaswag", 0, "validation", "en"].examples, strict=True):
        row = json.loads(line)
        assert isinstance(example, ChoiceExample)
        wholes = [f"{example.prompt} {option}" for option in example.options]
        assert wholes == [f"{row['ctx']} {ending}" for ending in row["endings"]], "the published context and ending"


def test_cosmos_offers_none_of_the_above_as_one_of_four(loaded: dict[Key, Loaded]) -> None:
    examples = [one for one in loaded["cosmosqa", 0, "validation", "en"].examples if isinstance(one, ChoiceExample)]
    offered = [example for example in examples if "None of the above choices ." in example.options]
    assert len(offered) > len(examples) // 2
    assert len({example.cluster for example in examples}) < len(examples), "passages have several questions"


def test_squad_v2_has_questions_with_and_without_an_answer(loaded: dict[Key, Loaded], data_root: Path) -> None:
    for split, file in (("train", "train-v2.0.json"), ("validation", "dev-v2.0.json")):
        whole = json.loads((data_root / "squad_v2" / file).read_text(encoding="utf-8"))
        marks = [
            question["is_impossible"]
            for article in whole["data"]
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
        examples = loaded["squad_v2", 0, split, "en"].examples
        assert [isinstance(example, SpanExample) and example.impossible for example in examples] == marks
        assert 0 < sum(marks) < len(marks)


def test_a_translation_stands_opposite_the_same_line_of_english(loaded: dict[Key, Loaded], data_root: Path) -> None:
    english = (data_root / "mlm_text/flores200_dev/eng_Latn.dev").read_text(encoding="utf-8").splitlines()
    for split in ("train", "validation"):
        for example in loaded["tlm", 1, split, "de"].examples:
            assert isinstance(example, TextExample)
            assert example.translation == english[int(example.id)].strip()


def test_squad_v1_in_the_place_of_v2_is_refused(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "squad_v2").mkdir()
    (tmp_path / "squad_v2" / "train-v2.0.json").write_bytes((data_root / "squad" / "train-v1.1.json").read_bytes())
    with pytest.raises(Mistake, match=r"found an answer to each of [0-9,]+ questions, as in SQuAD v1\.1"):
        load_all(task_named("squad_v2"), "train", "en", tmp_path)


@pytest.mark.parametrize(
    ("task", "published", "place"),
    [
        ("hellaswag", "hellaswag/hellaswag_test.jsonl", "hellaswag/hellaswag_test.jsonl"),
        ("cosmosqa", "cosmos_qa/test.jsonl", "cosmosqa/test.jsonl"),
    ],
)
def test_rows_of_a_test_set_whose_labels_are_hidden_are_examples(
    task: str, published: str, place: str, data_root: Path, tmp_path: Path
) -> None:
    sample = data_root / "schema_samples" / published
    (tmp_path / place).parent.mkdir()
    (tmp_path / place).write_bytes(sample.read_bytes())
    split = load_all(task_named(task), "test", "en", tmp_path)
    assert split.unlabelled == split.rows == len(sample.read_text(encoding="utf-8").splitlines())
