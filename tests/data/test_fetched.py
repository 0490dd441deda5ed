"""What is fetched for a task, what a card says, which paths are safe, and what counts as fetched."""

import ntpath
import posixpath
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub_repositories import card, write
from hub_server import blob_id
from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.data.card import data_files, listed, read_card
from stilts_xl.data.fetch import fetchable, repositories
from stilts_xl.data.fetched import (
    Fetched,
    FetchedFile,
    FetchedSplit,
    fetched_split,
    is_plain,
    read_fetched,
    require_intact,
    sha256_of,
    write_fetched,
)
from stilts_xl.tasks.catalog import all_tasks, task_named

COMMIT = "0123456789" * 4
REPO = "owner/name"


def fetched(tmp_path: Path) -> tuple[Path, Fetched]:
    """A folder with a card and one file, and what fetched.json says of them; sizes and digests are right."""
    folder = tmp_path / "hub" / REPO / COMMIT
    write(folder, card({"c": {"train": "a*", "test": "b*"}}, {"train": 7}), {})
    (folder / "a.jsonl").write_text("{}\n", encoding="utf-8")
    names = ("README.md", "a.jsonl")
    files = {name: FetchedFile((folder / name).stat().st_size, sha256_of(folder / name)) for name in names}
    return folder, Fetched(COMMIT, ("a*",), files)


def parts(*names: str) -> dict[str, set[tuple[str, str]]]:
    return {one.repo: set(one.parts) for one in repositories([task_named(name) for name in names])}


def test_a_task_needs_its_own_rows_in_every_language_and_the_english_rows_it_borrows():
    found = parts("xnli")
    assert found["facebook/xnli"] == {
        (language, split) for language in task_named("xnli").languages for split in ("validation", "test")
    }
    assert found["nyu-mll/multi_nli"] == {("default", "train"), ("default", "validation_matched")}


def test_a_task_made_of_others_needs_theirs():
    assert parts("anli_plus") == parts("anli") | parts("mnli") | parts("snli")


def test_splits_joined_by_a_plus_are_needed_one_by_one():
    ((rounds),) = parts("anli").values()
    assert {("plain_text", f"train_r{number}") for number in (1, 2, 3)} <= rounds


def test_only_english_rows_are_needed_for_training():
    assert {config for config, split in parts("panx")["google/xtreme"] if split == "train"} == {"PAN-X.en"}


def test_tasks_that_share_a_repository_share_its_commit():
    """Below a data root a repository has one commit at a time."""
    found = [one.repo for one in repositories([all_tasks()[name] for name in fetchable()])]
    assert len(found) == len(set(found))


def test_every_task_can_be_fetched_or_says_where_its_data_are():
    for name, task in all_tasks().items():
        if name in fetchable():
            assert repositories([task])
        else:
            with pytest.raises(Mistake, match=f"{name} has no copy on the Hub\n."):
                repositories([task])


def test_a_card_lists_a_split_as_one_path_or_as_several():
    one = {"config_name": "c", "data_files": [{"split": "train", "path": "train-*"}]}
    several = {"config_name": "d", "data_files": [{"split": "train", "path": ["a.jsonl", "b.jsonl"]}]}
    whole = {"configs": [one, several]}
    assert listed(whole, REPO, "c", "train").patterns == ("train-*",)
    assert listed(whole, REPO, "d", "train").patterns == ("a.jsonl", "b.jsonl")
    assert listed(whole, REPO, "d", "test").patterns == ()
    assert listed(whole, REPO, "e", "train").patterns == ()


def test_a_card_counts_the_rows_of_a_split_or_says_nothing_of_them():
    info = {"config_name": "c", "splits": [{"name": "train", "num_examples": 7}]}
    assert listed({"dataset_info": [info]}, REPO, "c", "train").rows == 7
    assert listed({"dataset_info": info}, REPO, "c", "train").rows == 7
    assert listed({"dataset_info": info}, REPO, "c", "test").rows is None
    assert listed({}, REPO, "c", "train").rows is None


@pytest.mark.parametrize("head", ["configs: all", "configs: [1]", "configs: [", "- a list"])
def test_a_card_that_is_not_as_the_hubs_cards_are_is_a_mistake(tmp_path: Path, head: str):
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n", encoding="utf-8")
    with pytest.raises(Mistake, match="owner/name: expected 'configs' that list the files of each split"):
        listed(read_card(tmp_path, REPO), REPO, "c", "train")


def test_a_card_is_read_from_its_own_folder(tmp_path: Path):
    first = write(tmp_path / "first", card({"c": {"train": "a-*"}}), {})
    second = write(tmp_path / "second", card({"c": {"train": "b-*"}}), {})
    assert [listed(read_card(one, REPO), REPO, "c", "train").patterns for one in (first, second)] == [
        ("a-*",),
        ("b-*",),
    ]


def test_patterns_choose_data_files_in_order_and_never_code_or_the_card():
    paths = ["b-1.parquet", "b-0.parquet", "b.py", "README.md", "c.parquet"]
    assert data_files(paths, ["b*", "README.md"], "part") == ["b-0.parquet", "b-1.parquet"]
    assert data_files(paths, ["*.py"], "part") == []
    assert data_files(paths, [], "part") == []


@given(st.text(alphabet="ab.:/\\ \n\x1b~C", max_size=12))
@example("a/../../b")
@example("/a")
@example("C:a")
@example("::")
@example("a/C:/b")
@example("\\\\host\\share\\a")
def test_a_plain_path_stays_below_its_folder_on_any_system(path: str):
    if not is_plain(path):
        return
    for system, root in ((posixpath, "/a/folder"), (ntpath, "D:\\root\\folder")):
        joined = system.normpath(system.join(root, path))
        assert joined.startswith(root + system.sep)
    assert path.isprintable()


@pytest.mark.parametrize(
    "path", ["README.md", "data/train-00000-of-00001.parquet", "a..b/c d.jsonl", "xquad.el/é.json"]
)
def test_the_paths_of_real_repositories_are_plain(path: str):
    assert is_plain(path)


@pytest.mark.parametrize(
    "path", ["", "/a", "../a", "a/../b", "a//b", "./a", "a\\b", "C:/a", ".cache/a", "a\nb", "a\x1b[2J"]
)
def test_paths_that_lead_elsewhere_or_hide_something_are_not(path: str):
    assert not is_plain(path)


def test_small_files_have_the_name_that_git_gives_them():
    """The loopback hub's own arithmetic, against names that git prints for these contents."""
    assert blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(b"hello world\n") == "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"


def test_a_split_counts_as_fetched_once_fetched_json_has_its_files(tmp_path: Path):
    folder, content = fetched(tmp_path)
    assert fetched_split(tmp_path, REPO, "c", "train") is None, "nothing counts before fetched.json is there"
    write_fetched(tmp_path, REPO, content)
    assert read_fetched(tmp_path, REPO) == content
    assert fetched_split(tmp_path, REPO, "c", "train") == FetchedSplit(folder, content, ("a.jsonl",), 7)
    assert fetched_split(tmp_path, REPO, "c", "test") is None, "its files were not asked for"
    assert fetched_split(tmp_path, REPO, "d", "train") is None, "the card does not know it"
    assert fetched_split(tmp_path, "owner/other", "c", "train") is None


def test_a_card_that_is_not_as_it_was_fetched_chooses_no_files(tmp_path: Path):
    folder, content = fetched(tmp_path)
    write_fetched(tmp_path, REPO, content)
    (folder / "README.md").write_text(card({"c": {"train": "b*"}}), encoding="utf-8")
    with pytest.raises(StiltsError, match="README.md is not as it was fetched"):
        fetched_split(tmp_path, REPO, "c", "train")


@pytest.mark.parametrize("found", [b"{}\r", b"{}\n\n", b""])
def test_a_file_that_is_not_as_it_was_fetched_is_refused(tmp_path: Path, found: bytes):
    folder, content = fetched(tmp_path)
    require_intact(folder, "a.jsonl", content)
    (folder / "a.jsonl").write_bytes(found)
    with pytest.raises(StiltsError, match="is not as it was fetched"):
        require_intact(folder, "a.jsonl", content)


def test_a_file_that_is_gone_or_was_never_fetched_is_refused(tmp_path: Path):
    folder, content = fetched(tmp_path)
    (folder / "b.jsonl").write_text("{}\n", encoding="utf-8")
    (folder / "a.jsonl").unlink()
    for name in ("a.jsonl", "b.jsonl"):
        with pytest.raises(StiltsError, match="is not as it was fetched"):
            require_intact(folder, name, content)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"commit": "main", "patterns": [], "files": {}}',
        f'{{"commit": "{COMMIT}", "patterns": [], "files": {{"../a": {{"bytes": 1, "sha256": "0"}}}}}}',
        f'{{"commit": "{COMMIT}", "patterns": [], "files": {{"a": {{"bytes": 1}}}}}}',
        f'{{"commit": "{COMMIT}", "patterns": [], "files": []}}',
    ],
    ids=["empty", "cut", "list", "no commit", "a branch", "a path out of it", "no digest", "files in a list"],
)
def test_a_damaged_fetched_json_is_a_mistake_that_says_to_delete_it(tmp_path: Path, text: str):
    (tmp_path / "hub" / REPO).mkdir(parents=True)
    (tmp_path / "hub" / REPO / "fetched.json").write_text(text, encoding="utf-8")
    with pytest.raises(Mistake, match="delete it, and stilts data fetch"):
        read_fetched(tmp_path, REPO)
