"""Data from the Hub: pinned at first contact, the same later without a network, and errors that say what to do."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from huggingface_hub.utils import logging

from hub_repositories import anli, card, fill, publish, tatoeba, tydiqa, write
from hub_server import NO_CONNECTIONS, Hub, run_script
from loading_apart import PARTS, loaded_apart
from sample_rows import SAMPLE_ROOT
from stilts_xl.core.errors import Mistake, StiltsError
from stilts_xl.core.place import DataPlace
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import load
from stilts_xl.data.hub import commit_of, plain_errors
from stilts_xl.data.sources import pin
from stilts_xl.tasks.catalog import task_named


def loading(
    endpoint: str, home: Path, lock: Path, offline: bool = False, prelude: str = "", **environment: str
) -> dict[str, Any]:
    """What every part gives at the 'main' branch, or its error, in a process of its own."""
    place = DataPlace("hub", "", str(lock), offline)
    return loaded_apart(endpoint, home, place, PARTS, prelude, "main", **environment)


@dataclass(frozen=True)
class Story:
    """A hub met once, moved on afterwards, and then gone; 'home' is the cache and 'lock' the first lock file."""

    commits: dict[str, str]
    first: dict[str, Any]
    requests: list[str]
    newer_commit: str
    after_move: dict[str, Any]
    with_new_lock: dict[str, Any]
    endpoint: str
    home: Path
    lock: Path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """First contact; then TyDiQA's main branch moves; the second lock file first meets the moved branch."""
    folder = tmp_path_factory.mktemp("hub")
    home, lock = folder / "home", folder / "workspace" / "hub.lock.json"
    with Hub() as hub:
        commits = fill(hub, folder / "old")
        first = loading(hub.endpoint, home, lock)
        requests = list(hub.requests)
        newer = hub.commit("dataset", "google-research-datasets/tydiqa", tydiqa(folder / "new", second_answer="Europe"))
        after_move = loading(hub.endpoint, home, lock)
        with_new_lock = loading(hub.endpoint, home, folder / "second.lock.json")
        endpoint = hub.endpoint
    return Story(commits, first, requests, newer, after_move, with_new_lock, endpoint, home, lock)


def test_first_contact_resolves_main_to_a_commit_and_keeps_it_in_the_lock_file(story: Story) -> None:
    assert json.loads(story.lock.read_text()) == {
        f"datasets/{name}@main": commit for name, commit in story.commits.items()
    }


def test_the_commit_configuration_and_split_are_the_identity_of_the_rows(story: Story) -> None:
    commit = story.commits["google-research-datasets/tydiqa"]
    source = f"hub:google-research-datasets/tydiqa@{commit}/secondary_task/train"
    assert story.first["tydiqa train en"]["source"] == source
    assert len({part["key"] for part in story.first.values()}) == len(PARTS)


def test_training_keeps_the_english_questions_of_a_copy_that_mixes_languages(story: Story) -> None:
    part = story.first["tydiqa train en"]
    assert [example["id"] for example in part["examples"]] == ["english-1-0", "english-2-0"]
    assert {example["language"] for example in part["examples"]} == {"en"}


def test_a_test_language_gets_its_own_questions_of_a_mixed_copy(story: Story) -> None:
    assert [example["id"] for example in story.first["tydiqa test fi"]["examples"]] == ["finnish-9-0"]


def test_a_shifted_answer_is_found_where_it_stands(story: Story) -> None:
    part = story.first["tydiqa train en"]
    assert [example["answers"] for example in part["examples"]] == [
        [{"text": "Italy", "start": 11}],
        [{"text": "France", "start": 12}],
    ]
    assert part["moved"] == 1


def test_json_lines_in_shards_are_read_in_order_with_their_paragraphs(story: Story) -> None:
    examples = story.first["squad train en"]["examples"]
    assert [(example["id"], example["cluster"]) for example in examples] == [("a", "0/0"), ("b", "0/0"), ("c", "1/0")]


def test_each_language_comes_from_its_own_configuration(story: Story) -> None:
    assert [example["context"] for example in story.first["xquad test el"]["examples"]] == ["Η Αθήνα"]


def test_integer_labels_get_the_names_of_the_hubs_order_and_rows_without_one_are_left_out(story: Story) -> None:
    swahili, english = story.first["xnli test sw"], story.first["mnli train en"]
    assert [example["label"] for example in swahili["examples"]] == ["entailment", "neutral", "contradiction"]
    assert [example["label"] for example in english["examples"]] == ["contradiction", "entailment", "neutral"]
    assert [example["id"] for example in english["examples"]] == ["0e", "2e", "3e"]
    assert (swahili["rows"], english["rows"]) == (4, 4)


def test_only_the_card_and_the_data_files_of_the_asked_split_are_fetched(story: Story) -> None:
    fetched = {
        request.rsplit("/", 1)[1] for request in story.requests if "/resolve/" in request and "tydiqa" in request
    }
    assert fetched == {"README.md", "train-00000-of-00001.parquet", "validation-00000-of-00001.parquet"}
    assert not [request for request in story.requests if "primary_task" in request or request.endswith(".py")]


def test_a_branch_that_moves_after_the_first_contact_changes_nothing(story: Story) -> None:
    assert story.newer_commit != story.commits["google-research-datasets/tydiqa"]
    assert story.after_move == story.first


def test_another_lock_file_pins_the_branch_where_it_is_now(story: Story) -> None:
    old, new = story.first["tydiqa train en"], story.with_new_lock["tydiqa train en"]
    assert story.newer_commit in new["source"]
    assert old["key"] != new["key"]
    assert new["examples"][1]["answers"][0]["text"] == "Europe"


@pytest.mark.parametrize(
    ("offline", "environment"),
    [(True, {}), (False, {"HF_HUB_OFFLINE": "1"})],
    ids=["asked", "in the environment"],
)
def test_a_second_time_offline_gives_the_same_rows_without_trying_a_connection(
    story: Story, offline: bool, environment: dict[str, str]
) -> None:
    again = loading(story.endpoint, story.home, story.lock, offline, NO_CONNECTIONS, **environment)
    assert again == story.first, "the pinned commit, though a newer one is in the cache"


def test_a_second_time_needs_no_hub_even_when_offline_is_not_asked(story: Story) -> None:
    assert loading(story.endpoint, story.home, story.lock) == story.first


def test_offline_with_an_empty_cache_says_to_run_once_with_a_network(story: Story, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="was never resolved\nrun once without --offline"):
        commit_of("dataset", "google/xquad", "main", str(tmp_path / "lock.json"), offline=True)
    for answer in loading(story.endpoint, tmp_path / "home", story.lock, True, NO_CONNECTIONS).values():
        assert answer["exit_code"] == 2
        assert "run once without --offline" in answer["error"]
        assert len(answer["error"].splitlines()) <= 3


def test_a_repository_that_the_hub_does_not_have_is_a_mistake_that_names_it(tmp_path: Path) -> None:
    with Hub() as hub:
        answers = loading(hub.endpoint, tmp_path / "home", tmp_path / "lock.json")
    assert "the Hub has no dataset 'google/xquad' at revision 'main'" in answers["xquad test el"]["error"]
    assert {answer["exit_code"] for answer in answers.values()} == {2}
    assert not (tmp_path / "lock.json").exists()


def test_a_hub_that_cannot_be_reached_is_a_failure_with_another_way_to_get_the_data(tmp_path: Path) -> None:
    with Hub() as hub:
        gone = hub.endpoint
    for answer in loading(gone, tmp_path / "home", tmp_path / "lock.json").values():
        assert answer["exit_code"] == 1
        assert "cannot be reached" in answer["error"]
        assert "refused" in answer["error"]
        assert "data=local" in answer["error"]
        assert len(answer["error"].splitlines()) <= 3


def test_copies_that_are_not_as_they_should_be_are_refused_by_name(tmp_path: Path) -> None:
    with Hub() as hub:
        short = tydiqa(tmp_path / "short")
        write(short, card({"secondary_task": {"train": "secondary_task/train-*"}}, {"train": 49881}), {})
        outside = write(tmp_path / "outside", card({"plain_text": {"train": "../../../../**"}}), {})
        unlabelled = Dataset.from_list([{"premise": "a", "hypothesis": "b"}])
        hub.commit("dataset", "google-research-datasets/tydiqa", short)
        hub.commit("dataset", "rajpurkar/squad", outside)
        hub.commit(
            "dataset",
            "facebook/xnli",
            write(tmp_path / "xnli", card({"sw": {"test": "sw/*"}}), {"sw/test.parquet": unlabelled}),
        )
        broken = write(tmp_path / "mnli", card({"default": {"train": "data/train-*"}}), {})
        (broken / "data").mkdir()
        (broken / "data" / "train-0.parquet").write_bytes(b"PAR1 and no more")
        hub.commit("dataset", "nyu-mll/multi_nli", broken)
        (tmp_path / "xquad").mkdir()
        (tmp_path / "xquad" / "README.md").write_text("---\nconfigs: all of them\n---\n", encoding="utf-8")
        hub.commit("dataset", "google/xquad", tmp_path / "xquad")
        answers = loading(hub.endpoint, tmp_path / "home", tmp_path / "lock.json")
    assert "expected 49,881 rows as its card says, found 4" in answers["tydiqa train en"]["error"]
    assert (
        "no data files for the configuration 'secondary_task', split 'validation'" in answers["tydiqa test fi"]["error"]
    )
    assert "no data files for the configuration 'plain_text'" in answers["squad train en"]["error"]
    assert "found no 'label'" in answers["xnli test sw"]["error"]
    assert "nyu-mll/multi_nli (default, train) cannot be read" in answers["mnli train en"]["error"]
    assert "expected 'configs' that list the files" in answers["xquad test el"]["error"]
    assert all(len(answer["error"].splitlines()) <= 3 for answer in answers.values())


def test_splits_joined_by_a_plus_are_read_one_after_another_at_the_commit_that_the_task_names(tmp_path: Path) -> None:
    hub_copy = task_named("anli").hub
    assert hub_copy is not None
    place = DataPlace("hub", "", str(tmp_path / "lock.json"), False)
    with Hub() as hub:
        publish(hub, "facebook/anli", anli(tmp_path / "anli"))
        train = loaded_apart(hub.endpoint, tmp_path / "home", place, [("anli", "train", "en")])["anli train en"]
    assert train["source"] == f"hub:facebook/anli@{hub_copy.revision}/plain_text/{hub_copy.splits['train']}"
    texts = [(example["text_a"], example["text_b"]) for example in train["examples"]]
    assert texts == [
        (f"Round {n}.", f"It was cold {row}.") for n, rows in ((1, 2), (2, 1), (3, 3)) for row in range(rows)
    ]
    assert not (tmp_path / "lock.json").exists(), "a commit needs no resolving"


def test_the_pairs_of_tatoebas_copy_give_the_examples_of_its_aligned_files(tmp_path: Path) -> None:
    languages = ("de", "hi", "tr", "zh")
    place = DataPlace("hub", "", str(tmp_path / "lock.json"), False)
    with Hub() as hub:
        publish(hub, "google/xtreme", tatoeba(tmp_path / "made", SAMPLE_ROOT / "tatoeba", languages))
        parts = [("tatoeba", "test", language) for language in languages]
        from_hub = loaded_apart(hub.endpoint, tmp_path / "home", place, parts)
    official = DataPlace("local", str(SAMPLE_ROOT), "", True)
    for language in languages:
        data = pin(task_named("tatoeba"), "test", language, official, 0, str)
        assert isinstance(data, Data)
        aligned = [asdict(example) for example in load(task_named("tatoeba"), data, official).examples]
        found = from_hub[f"tatoeba test {language}"]
        assert "error" not in found, found["error"]
        assert found["examples"] == json.loads(json.dumps(aligned))


def test_code_is_not_fetched_even_where_a_card_calls_it_data(tmp_path: Path) -> None:
    repository = write(tmp_path / "squad", card({"plain_text": {"train": "plain_text/*"}}), {})
    rows = {"id": "a", "context": "Bees.", "question": "Who?", "answers": {"text": ["Bees"], "answer_start": [0]}}
    (repository / "plain_text").mkdir()
    (repository / "plain_text" / "train.jsonl").write_text(json.dumps(rows) + "\n", encoding="utf-8")
    (repository / "plain_text" / "train.py").write_text("raise SystemExit('run')\n", encoding="utf-8")
    place = DataPlace("hub", "", str(tmp_path / "lock.json"), False)
    with Hub() as hub:
        publish(hub, "rajpurkar/squad", repository)
        answers = loaded_apart(hub.endpoint, tmp_path / "home", place, [("squad", "train", "en")])
        assert hub.downloads == ["README.md", "plain_text/train.jsonl"]
    assert len(answers["squad train en"]["examples"]) == 1


def test_files_that_are_no_tables_of_one_known_format_are_refused(tmp_path: Path) -> None:
    place = DataPlace("hub", "", str(tmp_path / "lock.json"), False)
    with Hub() as hub:
        for repo, config, names in (
            ("rajpurkar/squad", "plain_text", ("train.jsonl", "train.parquet")),
            ("nyu-mll/multi_nli", "default", ("train.csv",)),
        ):
            made = write(tmp_path / repo, card({config: {"train": "data/*"}}), {})
            publish(hub, repo, made, more={f"data/{name}": b"{}" for name in names})
        parts = [("squad", "train", "en"), ("mnli", "train", "en")]
        answers = loaded_apart(hub.endpoint, tmp_path / "home", place, parts)
    assert "expected files of one format, found data/train.jsonl and" in answers["squad train en"]["error"]
    assert "expected .parquet, .jsonl, .json files, found train.csv" in answers["mnli train en"]["error"]
    assert {answer["exit_code"] for answer in answers.values()} == {2}


def test_runs_that_first_meet_the_hub_together_keep_every_commit_in_one_lock_file(tmp_path: Path) -> None:
    ask = "import json, sys; from stilts_xl.data.hub import commit_of, plain_errors; print(json.dumps(commit_of(*json.loads(sys.argv[1]))))"
    lock = tmp_path / "workspace" / "hub.lock.json"
    with Hub() as hub, ThreadPoolExecutor() as together:
        commits = fill(hub, tmp_path)
        asked = [("dataset", name, "main", str(lock), False) for name in commits]
        found = list(together.map(lambda one: run_script(ask, one, hub.endpoint, tmp_path / "home"), asked))
    assert found == list(commits.values())
    assert json.loads(lock.read_text()) == {f"datasets/{name}@main": commit for name, commit in commits.items()}


@pytest.mark.parametrize("content", ["{", "[]", '{"datasets/google/xquad@main": "main"}'])
def test_a_lock_file_that_cannot_be_read_says_what_to_do_with_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock.json").write_text(content)
    with pytest.raises(Mistake, match="delete it to resolve the revisions again"):
        commit_of("dataset", "google/xquad", "main", str(tmp_path / "lock.json"), offline=True)


def test_the_library_says_nothing_of_its_retries_and_may_talk_again_afterwards() -> None:
    before = logging.get_verbosity()
    heard: list[int] = []
    with plain_errors("dataset", "owner/name", "main"):
        heard.append(logging.get_verbosity())
    with pytest.raises(StiltsError), plain_errors("dataset", "owner/name", "main"):
        raise OSError("away")
    assert heard == [logging.ERROR]
    assert logging.get_verbosity() == before
