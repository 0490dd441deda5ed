"""Data from the Hub: pinned at first contact, the same later without a network, and errors that say what to do."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value
from hub_server import NO_CONNECTIONS, Hub, run_script

LOAD = """
import json, sys
from dataclasses import asdict
from stilts_xl.core.errors import StiltsError
from stilts_xl.core.identity import digest
from stilts_xl.core.place import DataPlace
from stilts_xl.data.examples import load
from stilts_xl.data.sources import pin
from stilts_xl.tasks.catalog import task_named

asked = json.loads(sys.argv[1])
place = DataPlace("hub", "", asked["lock"], asked["offline"])
answers = {}
for name, split, language in asked["parts"]:
    try:
        data = pin(task_named(name), split, language, place, 0, str)
        loaded = load(task_named(name), data, place)
        examples = [asdict(example) for example in loaded.examples]
        answer = {"key": digest(data), "source": data.source, "examples": examples, "rows": loaded.rows, "moved": loaded.moved}
    except StiltsError as error:
        answer = {"error": str(error), "exit_code": error.exit_code}
    answers[f"{name} {split} {language}"] = answer
print(json.dumps(answers))
"""

PARTS = [
    ("tydiqa", "train", "en"),
    ("tydiqa", "test", "fi"),
    ("squad", "train", "en"),
    ("xquad", "test", "el"),
    ("xnli", "test", "sw"),
    ("mnli", "train", "en"),
]
ANSWERS = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
QUESTION = {"id": Value("string"), "context": Value("string"), "question": Value("string"), "answers": ANSWERS}
TITLED = Features({**QUESTION, "title": Value("string")})
LABEL = ClassLabel(names=["entailment", "neutral", "contradiction"])
PAIR = {"premise": Value("string"), "hypothesis": Value("string"), "label": LABEL}


def asking(id: str, context: str, answer: str, start: int, **more: str) -> dict[str, Any]:
    """A row in SQuAD's schema."""
    return {"id": id, "context": context, "question": f"{id}?", "answers": {"text": [answer], "answer_start": [start]}, **more}


def pairs(*labels: int, **more: Any) -> list[dict[str, Any]]:
    """NLI rows with these integer labels."""
    return [{"premise": "Snow fell.", "hypothesis": f"It was cold {n}.", "label": label, **more} for n, label in enumerate(labels)]


def card(configs: dict[str, dict[str, str]], rows: dict[str, int] | None = None) -> str:
    """A README with the YAML that names each configuration's files, and the rows that it publishes for its splits."""
    listed = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in files.items()]}
        for name, files in configs.items()
    ]
    counted = [{"name": split, "num_bytes": 1, "num_examples": count} for split, count in (rows or {}).items()]
    infos = [{"config_name": next(iter(configs)), "splits": counted}] if rows else []
    return f"---\n{json.dumps({'configs': listed, 'dataset_info': infos})}\n---\n# A data set\n"


def write(folder: Path, readme: str, parquet: dict[str, Dataset]) -> Path:
    """A repository's files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    for name, rows in parquet.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(folder / name)
    return folder


def tydiqa(folder: Path, second_answer: str = "France") -> Path:
    """Four training questions in three languages; the second English answer stands one place before its offset."""
    train = [
        asking("finnish-7-0", "Helsinki on Suomessa.", "Suomessa", 12, title="Helsinki"),
        asking("english-1-0", "Rome is in Italy.", "Italy", 11, title="Rome"),
        asking("arabic-3-1", "تقع القاهرة في مصر", "مصر", 15, title="القاهرة"),
        asking("english-2-0", f"Paris is in {second_answer}.", second_answer, 13, title="Paris"),
    ]
    validation = [
        asking("english-8-0", "Oslo is in Norway.", "Norway", 11, title="Oslo"),
        asking("finnish-9-0", "Turku on Suomessa.", "Suomessa", 9, title="Turku"),
    ]
    configs = {name: {"train": f"{name}/train-*", "validation": f"{name}/validation-*"} for name in ("secondary_task", "primary_task")}
    write(
        folder,
        card(configs, {"train": 4, "validation": 2}),
        {
            "secondary_task/train-00000-of-00001.parquet": Dataset.from_list(train, features=TITLED),
            "secondary_task/validation-00000-of-00001.parquet": Dataset.from_list(validation, features=TITLED),
            "primary_task/train-00000-of-00001.parquet": Dataset.from_list([{"passage": "not read"}]),
        },
    )
    (folder / "tydiqa.py").write_text("raise SystemExit('code of a repository was run')\n", encoding="utf-8")
    return folder


def xquad(folder: Path) -> Path:
    """One question in each of two languages, without titles, as on the Hub."""
    rows = {
        code: [asking("56beb", context, answer, 0)] for code, context, answer in (("el", "Η Αθήνα", "Η Αθήνα"), ("en", "Athens", "Athens"))
    }
    files = {
        f"xquad.{code}/validation-00000-of-00001.parquet": Dataset.from_list(found, features=Features(QUESTION))
        for code, found in rows.items()
    }
    return write(folder, card({f"xquad.{code}": {"validation": f"xquad.{code}/validation-*"} for code in rows}), files)


def squad(folder: Path) -> Path:
    """Three questions about two articles in two shards of JSON lines."""
    write(folder, card({"plain_text": {"train": "plain_text/train-*"}}, {"train": 3}), {})
    shards = [
        [asking("a", "Bees make honey.", "honey", 10, title="Bee"), asking("b", "Bees make honey.", "Bees", 0, title="Bee")],
        [asking("c", "Ants dig.", "Ants", 0, title="Ant")],
    ]
    (folder / "plain_text").mkdir()
    for number, rows in enumerate(shards):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"plain_text/train-{number:05d}-of-00002.jsonl").write_text(lines, encoding="utf-8")
    return folder


def xnli(folder: Path) -> Path:
    """Swahili pairs with each label, and one without a majority."""
    file = {"sw/test-00000-of-00001.parquet": Dataset.from_list(pairs(0, 1, -1, 2), features=Features(PAIR))}
    return write(folder, card({"sw": {"test": "sw/test-*"}}), file)


def multi_nli(folder: Path) -> Path:
    """MultiNLI's columns, labels -1 included, and a second validation file that must not be taken for the first."""
    features = Features({"promptID": Value("int32"), "pairID": Value("string"), **PAIR, "genre": Value("string")})
    rows = pairs(2, -1, 0, 1, promptID=1, genre="fiction")
    rows = [{**row, "pairID": f"{number}e"} for number, row in enumerate(rows)]
    splits = ("train", "validation_matched", "validation_mismatched")
    files = {f"data/{split}-00000-of-00001.parquet": Dataset.from_list(rows, features=features) for split in splits}
    return write(folder, card({"default": {split: f"data/{split}-*" for split in splits}}), files)


REPOSITORIES = {
    "google-research-datasets/tydiqa": tydiqa,
    "google/xquad": xquad,
    "rajpurkar/squad": squad,
    "facebook/xnli": xnli,
    "nyu-mll/multi_nli": multi_nli,
}


def fill(hub: Hub, folder: Path) -> dict[str, str]:
    """Every repository on a hub; repository -> commit."""
    return {name: hub.commit("dataset", name, make(folder / name)) for name, make in REPOSITORIES.items()}


def loading(endpoint: str, home: Path, lock: Path, offline: bool = False, prelude: str = "", **environment: str) -> dict[str, Any]:
    """What every part gives, or its error, in a process of its own."""
    asked = {"lock": str(lock), "offline": offline, "parts": PARTS}
    found: dict[str, Any] = run_script(prelude + LOAD, asked, endpoint, home, **environment)
    return found


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
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
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
    yield Story(commits, first, requests, newer, after_move, with_new_lock, endpoint, home, lock)


def test_first_contact_resolves_main_to_a_commit_and_keeps_it_in_the_lock_file(story: Story) -> None:
    assert json.loads(story.lock.read_text()) == {f"datasets/{name}@main": commit for name, commit in story.commits.items()}


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
    assert [example["answers"] for example in part["examples"]] == [[{"text": "Italy", "start": 11}], [{"text": "France", "start": 12}]]
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
    fetched = {request.rsplit("/", 1)[1] for request in story.requests if "/resolve/" in request and "tydiqa" in request}
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
    [(True, {"HF_HUB_OFFLINE": "1"}), (True, {}), (False, {"HF_HUB_OFFLINE": "1"})],
    ids=["asked and in the environment", "asked", "in the environment"],
)
def test_a_second_time_offline_gives_the_same_rows_without_trying_a_connection(
    story: Story, offline: bool, environment: dict[str, str]
) -> None:
    again = loading(story.endpoint, story.home, story.lock, offline, NO_CONNECTIONS, **environment)
    assert again == story.first, "the pinned commit, though a newer one is in the cache"


def test_a_second_time_needs_no_hub_even_when_offline_is_not_asked(story: Story) -> None:
    assert loading(story.endpoint, story.home, story.lock) == story.first


def test_offline_with_an_empty_cache_says_to_run_once_with_a_network(story: Story, tmp_path: Path) -> None:
    never_pinned = loading(story.endpoint, tmp_path / "home", tmp_path / "lock.json", True, NO_CONNECTIONS)
    never_fetched = loading(story.endpoint, tmp_path / "home", story.lock, True, NO_CONNECTIONS)
    for answer in (*never_pinned.values(), *never_fetched.values()):
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
        assert "cannot be reached" in answer["error"] and "refused" in answer["error"]
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
        hub.commit("dataset", "facebook/xnli", write(tmp_path / "xnli", card({"sw": {"test": "sw/*"}}), {"sw/test.parquet": unlabelled}))
        broken = write(tmp_path / "mnli", card({"default": {"train": "data/train-*"}}), {})
        (broken / "data").mkdir()
        (broken / "data" / "train-0.parquet").write_bytes(b"PAR1 and no more")
        hub.commit("dataset", "nyu-mll/multi_nli", broken)
        (tmp_path / "xquad").mkdir()
        (tmp_path / "xquad" / "README.md").write_text("---\nconfigs: all of them\n---\n", encoding="utf-8")
        hub.commit("dataset", "google/xquad", tmp_path / "xquad")
        answers = loading(hub.endpoint, tmp_path / "home", tmp_path / "lock.json")
    assert "expected 49,881 rows as its card says, found 4" in answers["tydiqa train en"]["error"]
    assert "no data files for the configuration 'secondary_task', split 'validation'" in answers["tydiqa test fi"]["error"]
    assert "no data files for the configuration 'plain_text'" in answers["squad train en"]["error"]
    assert "found no 'label'" in answers["xnli test sw"]["error"]
    assert "nyu-mll/multi_nli (default, train) cannot be read" in answers["mnli train en"]["error"]
    assert "expected 'configs' that list the files" in answers["xquad test el"]["error"]
    assert all(len(answer["error"].splitlines()) <= 3 for answer in answers.values())


def test_runs_that_first_meet_the_hub_together_keep_every_commit_in_one_lock_file(tmp_path: Path) -> None:
    ask = "import json, sys; from stilts_xl.data.hub import commit_of; print(json.dumps(commit_of(*json.loads(sys.argv[1]))))"
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
    answers = loading("http://127.0.0.1:9", tmp_path / "home", tmp_path / "lock.json", True, NO_CONNECTIONS)
    assert {answer["exit_code"] for answer in answers.values()} == {2}
    assert "delete it to resolve the revisions again" in answers["xquad test el"]["error"]
