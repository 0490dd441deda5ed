"""Data sets from the Hub into a data root: verified, resumable, the same rows as data=hub, and no code ever."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from filelock import FileLock

from calling import PROGRAM, Said, call, call_apart
from hub_repositories import card, fill, publish, squad, tydiqa, write, xquad, xtreme
from hub_server import NO_CONNECTIONS, Hub, run_script
from loading_apart import PARTS, loaded_apart
from stilts_xl.core.place import DataPlace
from stilts_xl.tasks.catalog import task_named

SHARDS = ["plain_text/train-00000-of-00002.jsonl", "plain_text/train-00001-of-00002.jsonl"]
TYDIQA = [f"secondary_task/{split}-00000-of-00001.parquet" for split in ("train", "validation")]

FETCH_COMMIT = """
import json, sys
from pathlib import Path
from stilts_xl.data.fetch import Repository, fetch

root, repo, commit, parts = json.loads(sys.argv[1])
outcome = fetch(Repository(repo, commit, tuple(map(tuple, parts))), commit, Path(root), lambda file: None)
print(len(outcome.files))
"""
"""Fetch a commit that no task names any more, and say how many files it has."""


def around(hub: Hub, folder: Path) -> dict[str, str]:
    """The environment in which the command line meets this hub, with a cache of its own."""
    direct = {"NO_PROXY": "127.0.0.1,localhost", "HF_HUB_OFFLINE": "0"}
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "home"), **direct}


def fetch(hub: Hub, folder: Path, *tasks: str, workspace: str = "work") -> Said:
    """``stilts data fetch TASKS`` into folder/root."""
    words = ("data", "fetch", *tasks, f"data.root={folder / 'root'}", "-w", folder / workspace)
    return call_apart(*words, **around(hub, folder))


def kept(folder: Path, repo: str) -> dict[str, Any] | None:
    """The content of a repository's fetched.json."""
    path = folder / "root" / "hub" / repo / "fetched.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def local_rows(
    folder: Path, parts: list[tuple[str, str, str]] = PARTS, prelude: str = NO_CONNECTIONS
) -> dict[str, Any]:
    """What data=local gives, in a process that ends when it tries a connection, with an empty cache."""
    place = DataPlace("local", str(folder / "root"), str(folder / "no lock"), False)
    return loaded_apart("http://127.0.0.1:9", folder / "empty home", place, parts, prelude)


@dataclass(frozen=True)
class Story:
    """Five repositories fetched, fetched again, and read with data=hub beside their hub."""

    folder: Path
    commits: dict[str, str]
    published: dict[str, dict[str, bytes]]
    first: Said
    downloads: list[str]
    again: Said
    downloads_again: list[str]
    from_hub: dict[str, Any]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("fetch")
    with Hub() as hub:
        commits = fill(hub, folder / "made")
        first = fetch(hub, folder, "tydiqa", "xquad", "xnli")
        downloads = list(hub.downloads)
        again = fetch(hub, folder, "tydiqa", "xquad", "xnli")
        downloads_again = hub.downloads[len(downloads) :]
        place = DataPlace("hub", "", str(folder / "work" / "hub-lock.json"), False)
        from_hub = loaded_apart(hub.endpoint, folder / "other home", place, PARTS)
        published = {name: hub.repositories[f"datasets/{name}"].commits[commit] for name, commit in commits.items()}
    return Story(folder, commits, published, first, downloads, again, downloads_again, from_hub)


def test_every_file_is_kept_with_its_size_and_digest_under_its_commit(story: Story):
    assert story.first.code == 0, story.first.err
    for repo, commit in story.commits.items():
        found = kept(story.folder, repo)
        assert found is not None
        assert found["commit"] == commit
        for path, file in found["files"].items():
            content = (story.folder / "root" / "hub" / repo / commit / path).read_bytes()
            assert content == story.published[repo][path]
            assert file == {"bytes": len(content), "sha256": sha256(content).hexdigest()}


def test_only_the_card_and_the_data_files_of_the_tasks_are_fetched_and_no_code(story: Story):
    repo = "google-research-datasets/tydiqa"
    assert "tydiqa.py" in story.published[repo], "there is code to refuse"
    assert files_below(story.folder / "root" / "hub" / repo / story.commits[repo]) == {"README.md", *TYDIQA}
    assert not [path for path in story.downloads if path.endswith(".py") or "mismatched" in path]


def test_tasks_whose_rows_are_borrowed_are_fetched_too(story: Story):
    assert {repo for repo in story.commits if kept(story.folder, repo)} == set(story.commits)


def test_it_says_what_was_fetched_where_and_how_to_use_it(story: Story):
    lines = story.first.out.splitlines()
    commit = story.commits["google/xquad"]
    assert f"google/xquad at {commit[:8]}" in lines
    assert f"  ✓ README.md  {len(story.published['google/xquad']['README.md']):,} bytes" in lines
    assert lines[-2].startswith(f"✓ {len(story.downloads)} files fetched (")
    assert lines[-2].endswith(f"0 here before, in {story.folder / 'root' / 'hub'}")
    assert lines[-1] == f"next: stilts run target=tydiqa data=local data.root={story.folder / 'root'}"


def test_it_says_which_languages_the_repository_does_not_have(story: Story):
    (said,) = [line for line in story.first.out.splitlines() if "xquad.es" in line]
    task = task_named("xquad")
    absent = [language for language in (*task.languages, *task.extra_languages) if language not in ("el", "en")]
    named = ", ".join(f"xquad.{language} validation" for language in absent[:6])
    assert said == f"  – not in the repository: {named} and {len(absent) - 6} more"


def test_a_second_fetch_downloads_nothing_and_says_so(story: Story):
    assert story.again.code == 0, story.again.err
    assert story.downloads_again == []
    assert f"✓ 0 files fetched (0.0 MB), {len(story.downloads)} here before" in story.again.out


def test_data_local_gives_the_rows_and_keys_of_data_hub_without_a_connection(story: Story):
    assert not [answer for answer in story.from_hub.values() if "error" in answer]
    assert local_rows(story.folder) == story.from_hub


def test_a_file_that_was_changed_below_the_root_is_refused_and_fetched_again(tmp_path: Path):
    parts = [("squad", "train", "en")]
    with Hub() as hub:
        commit = publish(hub, "rajpurkar/squad", squad(tmp_path / "made"))
        assert fetch(hub, tmp_path, "squad").code == 0
        file = tmp_path / "root" / "hub" / "rajpurkar/squad" / commit / SHARDS[1]
        good = file.read_bytes()
        file.write_bytes(good.replace(b"Ants", b"Bees"))
        refused = local_rows(tmp_path, parts)["squad train en"]
        before = len(hub.downloads)
        again = fetch(hub, tmp_path, "squad")
        assert hub.downloads[before:] == [SHARDS[1]]
    assert refused["exit_code"] == 1
    assert f"{file} is not as it was fetched" in refused["error"]
    assert again.code == 0
    assert file.read_bytes() == good


def test_a_connection_that_breaks_once_in_the_middle_of_a_file_is_taken_up_again(tmp_path: Path):
    with Hub() as hub:
        commit = publish(hub, "rajpurkar/squad", squad(tmp_path / "made"))
        hub.troubles[SHARDS[0]] = "drop"
        said = fetch(hub, tmp_path, "squad")
        content = hub.repositories["datasets/rajpurkar/squad"].commits[commit][SHARDS[0]]
        assert hub.downloads.count(SHARDS[0]) == 2
    assert said.code == 0, said.err
    assert (tmp_path / "root" / "hub" / "rajpurkar/squad" / commit / SHARDS[0]).read_bytes() == content


def test_a_fetch_that_failed_is_not_taken_for_complete_and_goes_on_with_what_is_missing(tmp_path: Path):
    with Hub() as hub:
        commit = publish(hub, "rajpurkar/squad", squad(tmp_path / "made"))
        hub.troubles[SHARDS[1]] = "fail"
        failed = fetch(hub, tmp_path, "squad")
        left, unfinished = kept(tmp_path, "rajpurkar/squad"), local_rows(tmp_path, [("squad", "train", "en")])
        hub.troubles.clear()
        before = len(hub.downloads)
        whole = fetch(hub, tmp_path, "squad")
        assert hub.downloads[before:] == [SHARDS[1]]
    assert failed.code == 1
    assert "the same command goes on with what is missing" in failed.err
    assert len(failed.err.splitlines()) <= 3
    assert left is None
    assert "no train data of squad" in unfinished["squad train en"]["error"]
    assert "✓ 1 files fetched" in whole.out
    assert "2 here before" in whole.out
    assert files_below(tmp_path / "root" / "hub" / "rajpurkar/squad" / commit) == {"README.md", *SHARDS}


def test_ctrl_c_keeps_what_was_fetched_and_leaves_nothing_that_looks_complete(tmp_path: Path):
    words = ("data", "fetch", "squad", f"data.root={tmp_path / 'root'}", "-w", str(tmp_path / "work"))
    with Hub() as hub:
        commit = publish(hub, "rajpurkar/squad", squad(tmp_path / "made"))
        hub.troubles[SHARDS[1]] = "hang"
        environment = os.environ | {"PYTHONIOENCODING": "utf-8"} | around(hub, tmp_path)
        work = subprocess.Popen((*PROGRAM, *words), env=environment, stderr=subprocess.PIPE, text=True)
        assert hub.hanging.wait(60)
        work.send_signal(signal.SIGINT)
        assert work.stderr is not None
        words_at_the_end = work.stderr.read()
        assert work.wait(60) == 130
        left = files_below(tmp_path / "root" / "hub" / "rajpurkar/squad" / commit)
        assert kept(tmp_path, "rajpurkar/squad") is None
        hub.troubles.clear()
        before = len(hub.downloads)
        assert fetch(hub, tmp_path, "squad").code == 0
        assert hub.downloads[before:] == [SHARDS[1]]
    assert words_at_the_end == "stopped; what was fetched is kept, and the same command goes on with the rest\n"
    assert {"README.md", SHARDS[0]} <= left
    assert SHARDS[1] not in left


def test_bytes_that_are_not_the_published_ones_are_refused_by_name_and_removed(tmp_path: Path):
    with Hub() as hub:
        commit = publish(hub, "google-research-datasets/tydiqa", tydiqa(tmp_path / "made"))
        hub.troubles[TYDIQA[1]] = "change"
        changed = fetch(hub, tmp_path, "tydiqa")
        left = files_below(tmp_path / "root" / "hub" / "google-research-datasets/tydiqa" / commit)
        hub.troubles.clear()
        again = fetch(hub, tmp_path, "tydiqa")
    assert changed.code == 1
    assert f"google-research-datasets/tydiqa: {TYDIQA[1]}: expected " in changed.err
    assert "the file was removed; the same command fetches it again" in changed.err
    assert TYDIQA[0] in left
    assert TYDIQA[1] not in left
    assert again.code == 0
    assert "✓ 1 files fetched" in again.out


def test_small_files_are_compared_with_the_name_that_git_gives_them(tmp_path: Path):
    with Hub() as hub:
        publish(hub, "rajpurkar/squad", squad(tmp_path / "made"))
        hub.troubles["README.md"] = "change"
        said = fetch(hub, tmp_path, "squad")
        assert set(hub.downloads) == {"README.md"}, "a card that is not the published one chooses no files"
    assert said.code == 1
    assert "README.md: expected " in said.err
    assert "git blob" in said.err


def test_a_bad_copy_in_the_cache_of_the_hub_does_not_come_back(tmp_path: Path):
    place = DataPlace("hub", "", str(tmp_path / "work" / "hub-lock.json"), False)
    with Hub() as hub:
        commit = publish(hub, "google-research-datasets/tydiqa", tydiqa(tmp_path / "made"))
        loaded_apart(hub.endpoint, tmp_path / "home", place, [("tydiqa", "train", "en"), ("tydiqa", "test", "fi")])
        cached = [path for path in (tmp_path / "home").rglob("train-*.parquet") if path.is_symlink()]
        content = cached[0].read_bytes()
        cached[0].resolve().write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        before = len(hub.downloads)
        said = fetch(hub, tmp_path, "tydiqa")
        assert hub.downloads[before:] == [TYDIQA[0]], "the good copies are taken from the cache"
    assert said.code == 0, said.err
    assert (tmp_path / "root/hub/google-research-datasets/tydiqa" / commit / TYDIQA[0]).read_bytes() == content


def test_tasks_of_one_repository_are_fetched_one_after_another_without_losing_each_other(tmp_path: Path):
    parts = [("panx", "test", "en"), ("udpos", "test", "en")]
    with Hub() as hub:
        publish(hub, "google/xtreme", xtreme(tmp_path / "made"))
        assert fetch(hub, tmp_path, "panx").code == 0
        first = local_rows(tmp_path, parts)
        assert fetch(hub, tmp_path, "udpos").code == 0
    both = local_rows(tmp_path, parts)
    assert both["panx test en"] == first["panx test en"]
    assert first["udpos test en"]["exit_code"] == 2
    assert " or hub/google/xtreme (udpos.English, test) in " in first["udpos test en"]["error"]
    assert f"stilts data fetch udpos data.root={tmp_path / 'root'} fetches" in first["udpos test en"]["error"]
    assert [example["words"] for example in both["udpos test en"]["examples"]] == [["Snow", "fell"]]


def test_another_commit_replaces_the_one_before_and_its_folder_is_named(tmp_path: Path):
    repo = "google-research-datasets/tydiqa"
    with Hub() as hub:
        old = hub.commit("dataset", repo, tydiqa(tmp_path / "old"))
        asked = [str(tmp_path / "root"), repo, old, [["secondary_task", "train"]]]
        assert run_script(FETCH_COMMIT, asked, hub.endpoint, tmp_path / "home") == 2
        before = local_rows(tmp_path, [("tydiqa", "train", "en")])["tydiqa train en"]
        new = publish(hub, repo, tydiqa(tmp_path / "new", second_answer="Europe"))
        moved = fetch(hub, tmp_path, "tydiqa")
    assert old in before["source"]
    assert f"{repo} at {new[:8]}" in moved.out
    assert f"nothing reads the files of another commit any more: {tmp_path / 'root' / 'hub' / repo / old}" in moved.out
    answer = local_rows(tmp_path, [("tydiqa", "train", "en")])["tydiqa train en"]
    assert new in answer["source"]
    assert answer["examples"][1]["answers"][0]["text"] == "Europe"


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path):
    repository = write(tmp_path / "made", card({"plain_text": {"train": "*.jsonl"}}), {})
    with Hub() as hub:
        publish(hub, "rajpurkar/squad", repository, more={"../../../../evil.jsonl": b"{}"})
        said = fetch(hub, tmp_path, "squad")
    assert said.code == 1
    assert "refused a file named '../../../../evil.jsonl'" in said.err
    assert not list(tmp_path.rglob("evil.jsonl"))
    assert kept(tmp_path, "rajpurkar/squad") is None


def test_a_repository_without_files_for_the_task_is_a_mistake(tmp_path: Path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "train.jsonl").write_text("{}\n", encoding="utf-8")
    rows = Dataset.from_list([{"id": "a"}])
    with Hub() as hub:
        publish(hub, "rajpurkar/squad", tmp_path / "bare")
        no_card = fetch(hub, tmp_path, "squad")
        other = write(tmp_path / "made", card({"other": {"train": "*.parquet"}}), {"train.parquet": rows})
        publish(hub, "rajpurkar/squad", other)
        no_files = fetch(hub, tmp_path, "squad", workspace="second")
        hub.repositories.clear()
        nothing = fetch(hub, tmp_path, "squad", workspace="third")
    assert (no_card.code, no_files.code, nothing.code) == (2, 2, 2)
    assert "has no README.md" in no_card.err
    assert "no data files for the configuration 'plain_text', split 'train'" in no_files.err
    assert "the Hub has no dataset 'rajpurkar/squad'" in nothing.err


def test_two_fetches_into_one_folder_do_not_work_at_once(tmp_path: Path):
    with Hub() as hub:
        publish(hub, "google/xquad", xquad(tmp_path / "made"))
        publish(hub, "rajpurkar/squad", squad(tmp_path / "made too"))
        guard = tmp_path / "root" / "hub" / "google/xquad" / "fetched.json.guard"
        guard.parent.mkdir(parents=True)
        with FileLock(guard):
            said = fetch(hub, tmp_path, "xquad")
    assert said.code == 1
    assert f"another stilts data fetch writes to {guard.parent}" in said.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "data fetch needs the tasks whose data to fetch\nthere are: anli"),
        (("data.root=there",), "there are: anli"),
        (("xquda", "data.root=there"), "unknown task 'xquda'. Did you mean 'xquad'?"),
        (("xquad",), "stilts data fetch xquad data.root=DIR"),
        (("xquad", "data.root="), "stilts data fetch xquad data.root=DIR"),
        (("xquad", "data.root=there", "data.root=elsewhere"), "needs one folder"),
        (("xquad", "data.rot=there"), "unknown setting of data fetch 'data.rot'. Did you mean 'data.root'?"),
        (("xquad", "data=hub", "data.root=there"), "data=hub: data fetch makes a folder for data=local"),
        (("ccg", "data.root=there"), "ccg has no copy on the Hub\nCCGbank is licensed by"),
        (("xquad", "data.root=there", "--offline"), "data fetch asks the Hub"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, tuple) else "",
)
def test_a_wrong_call_is_a_mistake_of_three_lines_at_most_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
):
    monkeypatch.chdir(tmp_path)
    said = call("data", "fetch", *words)
    assert said.code == 2
    assert complaint in said.err
    assert len(said.err.splitlines()) <= 3
    assert not list(tmp_path.iterdir()), "and nothing was made"


def test_a_root_that_cannot_be_a_folder_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = call("data", "fetch", "squad", f"data.root={tmp_path / 'file'}", "-w", tmp_path / "work")
    assert said.code == 2
    assert f"data.root={tmp_path / 'file'} cannot be written" in said.err
