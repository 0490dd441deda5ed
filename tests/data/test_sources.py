"""Where files are looked for, and what names their bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub_repositories import card, write
from stilts_xl.core.errors import Mistake
from stilts_xl.core.identity import digest
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.core.task import Files, Hub, Task
from stilts_xl.data.fetched import Fetched, FetchedFile, repository_root, sha256_of, write_fetched
from stilts_xl.data.sources import Absent, Found, absent_file, hub_copy, hub_part, locate, pin

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = Hub(
    repo="owner/name",
    config="set.{lang}",
    splits={"train": "train", "test": "test"},
    columns=(),
    revision="main",
    example=lambda row, language: None,
    codes={"de": "German"},
)


def files(*paths: str, label_file: str = "") -> Files:
    """A layout whose test split is made of these paths."""
    split = {"test": paths[0] if len(paths) == 1 else paths}
    return Files("jsonl", split, (), lambda row, language: None, label_file=label_file)


def task(*layouts: Files, hub: Hub | None = None, where: str = "") -> Task:
    """A task with these layouts."""
    return Task(
        name="toy",
        kind="tag",
        title="",
        languages=("en",),
        metrics=(),
        scorer="",
        files=layouts,
        hub=hub,
        licence="",
        citation="",
        homepage="",
        sizes="",
        where=where,
    )


def fetched(root: Path, *names: str) -> None:
    """A repository below the root with these files, as 'set.German/test-0.jsonl', and a card that lists them."""
    folder = repository_root(root, "owner/name") / COMMIT
    configs: dict[str, dict[str, str]] = {}
    for name in names:
        config, _, file = name.partition("/")
        configs.setdefault(config, {})[file.split("-")[0]] = f"{config}/{file.split('-')[0]}-*"
    write(folder, card(configs), {})
    touch(folder, *names)
    patterns = tuple(pattern for splits in configs.values() for pattern in splits.values())
    kept = {
        name: FetchedFile((folder / name).stat().st_size, sha256_of(folder / name)) for name in ("README.md", *names)
    }
    write_fetched(root, "owner/name", Fetched(COMMIT, patterns, kept))


def touch(root: Path, *names: str) -> tuple[Path, ...]:
    """Files that hold their own names."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    return tuple(root / name for name in names)


def official(root: str) -> DataPlace:
    """A folder of official downloads."""
    return DataPlace("local", root, "", True)


def paths(found: Found | Absent) -> tuple[Path, ...]:
    """What was found."""
    assert isinstance(found, Found), f"looked for {found.looked}"
    return found.paths


@pytest.mark.parametrize(
    ("pattern", "language", "name"),
    [
        ("a/{lang}.tsv", "de", "a/de.tsv"),
        ("a.{iso3}-eng.{iso3}", "zh", "a.cmn-eng.cmn"),
        ("{flores}.dev", "sw", "swh_Latn.dev"),
        ("ud.{name}", "fi", "ud.Finnish"),
        ("c-{context}-q-{question}", "de-en", "c-de-q-en"),
        ("c-{context}-q-{question}", "vi", "c-vi-q-vi"),
    ],
)
def test_a_path_may_name_a_language_by_each_of_its_codes(
    tmp_path: Path, pattern: str, language: str, name: str
) -> None:
    touch(tmp_path, name)
    assert paths(locate(task(files(pattern)), "test", language, tmp_path)) == (tmp_path / name,)


def test_a_language_without_the_publishers_code_has_no_file_and_the_next_layout_is_tried(tmp_path: Path) -> None:
    layouts = (files("a.{iso3}"), files("b.{lang}"))
    assert locate(task(*layouts), "test", "xx", tmp_path) == Absent(("a.{iso3} ('xx' has no iso3 code)", "b.xx"))
    (there,) = touch(tmp_path, "b.xx")
    assert paths(locate(task(*layouts), "test", "xx", tmp_path)) == (there,)


def test_a_star_finds_every_match_by_file_name_and_none_is_absence(tmp_path: Path) -> None:
    pattern = "ud/UD_*/{lang}_*-ud-test.conllu"
    assert locate(task(files(pattern)), "test", "en", tmp_path) == Absent(("ud/UD_*/en_*-ud-test.conllu",))
    names = ("ud/UD_Z/en_b-ud-test.conllu", "ud/UD_Y/en_c-ud-test.conllu", "ud/UD_X/en_a-ud-test.conllu")
    touch(
        tmp_path,
        *names,
        "ud/UD_X/fr_a-ud-test.conllu",
        "ud/UD_X/en_a-ud-dev.conllu",
        "ud/UD_X/deep/en_d-ud-test.conllu",
    )
    found = paths(locate(task(files(pattern)), "test", "en", tmp_path))
    assert [path.name[:4] for path in found] == ["en_a", "en_b", "en_c"]


def test_files_read_together_must_all_be_there_and_the_first_absent_one_is_named(tmp_path: Path) -> None:
    layout = files("a.{lang}", "b.{lang}", "c.{lang}")
    touch(tmp_path, "a.en", "c.en")
    assert locate(task(layout), "test", "en", tmp_path) == Absent(("b.en",))
    touch(tmp_path, "b.en")
    assert [path.name for path in paths(locate(task(layout), "test", "en", tmp_path))] == ["a.en", "b.en", "c.en"]


def test_a_layout_with_a_label_file_counts_only_where_that_file_is(tmp_path: Path) -> None:
    layouts = (files("a", label_file="labels.json"), files("a"))
    touch(tmp_path, "a")
    assert locate(task(layouts[0]), "test", "en", tmp_path) == Absent(("labels.json",))
    found = locate(task(*layouts), "test", "en", tmp_path)
    assert isinstance(found, Found)
    assert found.labels is None
    touch(tmp_path, "labels.json")
    found = locate(task(*layouts), "test", "en", tmp_path)
    assert isinstance(found, Found)
    assert found.labels == tmp_path / "labels.json"


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert locate(task(files("a")), "test", "en", tmp_path) == Absent(("a",))


def source(toy: Task, root: Path, language: str = "en") -> str:
    """What names the bytes of the test split."""
    data = pin(toy, "test", language, DataPlace("local", str(root), "", True), 0, lambda path: f"<{path.read_text()}>")
    assert isinstance(data, Data)
    return data.source


def test_one_files_digest_names_its_rows_and_several_files_the_digest_of_theirs_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "a", "b", "labels.json")
    assert source(task(files("a")), tmp_path) == "sha256:<a>"
    assert source(task(files("a", "b")), tmp_path) == f"sha256:{digest(('<a>', '<b>'))}"
    assert source(task(files("b", "a")), tmp_path) == f"sha256:{digest(('<b>', '<a>'))}"
    labelled = files("a", label_file="labels.json")
    assert source(task(labelled), tmp_path) == f"sha256:{digest(('<a>', '<labels.json>'))}"


def test_a_configuration_of_the_hub_may_have_its_own_word_for_a_language() -> None:
    assert hub_part(HUB, "test", "de") == ("set.German", "test")
    assert hub_part(HUB, "test", "fr") == ("set.fr", "test")


def test_a_pinned_revision_needs_no_hub_to_be_resolved(tmp_path: Path) -> None:
    toy = task(hub=replace(HUB, revision=COMMIT))
    data = pin(toy, "test", "de", DataPlace("hub", "", str(tmp_path / "lock.json"), True), 7, str)
    assert data == Data("toy", "tag", 1, "test", "de", f"hub:owner/name@{COMMIT}/set.German/test", 7)


def test_a_fetched_hub_copy_stands_in_for_official_files_under_the_hubs_own_name(tmp_path: Path) -> None:
    toy = task(files("a.{lang}"), hub=HUB)
    place = DataPlace("local", str(tmp_path), "", True)
    assert pin(toy, "test", "de", place, 0, str) == Absent(("a.de",))
    fetched(tmp_path, "set.German/test-0.jsonl")
    assert source(toy, tmp_path, "de") == f"hub:owner/name@{COMMIT}/set.German/test"
    assert pin(toy, "validation", "de", place, 0, str) == Absent(()), "the copy has no such split"
    assert pin(task(files("a.{lang}")), "test", "de", place, 0, str) == Absent(("a.de",)), "nor has every task a copy"
    touch(tmp_path, "a.de")
    assert source(toy, tmp_path, "de") == "sha256:<a.de>", "official files come first"


def test_a_split_that_was_not_fetched_of_a_repository_is_absent_as_a_file_is(tmp_path: Path) -> None:
    """Of the card's splits one was asked for and fetched, one was not, and one has no files in the repository."""
    toy = task(files("a.{lang}"), hub=replace(HUB, splits={"test": "test+more"}))
    place = DataPlace("local", str(tmp_path), "", True)
    fetched(tmp_path, "set.German/test-0.jsonl", "set.German/more-0.jsonl", "set.fr/test-0.jsonl")
    assert source(toy, tmp_path, "de") == f"hub:owner/name@{COMMIT}/set.German/test+more"
    assert pin(toy, "test", "fr", place, 0, str) == Absent(("a.fr", "hub/owner/name (set.fr, more)"))
    assert pin(toy, "test", "es", place, 0, str) == Absent(("a.es", "hub/owner/name (set.es, test)"))


def test_a_task_that_cannot_be_downloaded_says_where_its_data_come_from(tmp_path: Path) -> None:
    toy = task(files("a"), where="ask the owner for a.")
    found = locate(toy, "test", "en", tmp_path)
    assert isinstance(found, Absent)
    assert str(absent_file(toy, "test", found, official("/data"))) == (
        "no test data of toy: looked for a in /data\nask the owner for a.\nstilts data check lists all that a run needs"
    )
    with pytest.raises(Mistake, match=r"use data=local data.root=DIR with its official files\nask the owner for a\."):
        hub_copy(toy, "test")


def test_absent_files_of_a_task_with_a_hub_copy_can_be_fetched_into_the_folder_that_lacks_them() -> None:
    toy = task(files("a"), hub=HUB)
    show, check = "stilts show task toy says where to get it", "stilts data check lists all that a run needs"
    said = str(absent_file(toy, "test", Absent(("a",)), official("/my data")))
    assert said.splitlines()[1:] == [
        f"stilts data fetch toy data.root='/my data' fetches the Hub's copy; {show}",
        check,
    ]
    for other, split in ((toy, "validation"), (task(files("a")), "test")):
        said = str(absent_file(other, split, Absent(("a",)), official("/data")))
        assert said.splitlines()[1:] == [show, check], (other.hub, split)


def test_what_sample_data_lack_is_not_fetched_into_them() -> None:
    for toy in (task(files("a"), hub=HUB), task(files("a"), where="ask the owner")):
        said = str(absent_file(toy, "test", Absent(("a",)), DataPlace("sample", "/made", "", True)))
        assert "sample data of toy are in en" in said.splitlines()[1]
        assert "fetch" not in said
