"""Published encoders: fetched at a commit, loaded with transformers, and there again without a network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizer

from hub_server import NO_CONNECTIONS, Hub, run_script

FETCH = """
import json, sys
from stilts_xl.core.errors import StiltsError
from stilts_xl.run.models import model_folder
try:
    answer = {"folder": str(model_folder(*json.loads(sys.argv[1])))}
except StiltsError as error:
    answer = {"error": str(error), "exit_code": error.exit_code}
print(json.dumps(answer))
"""
FETCH_AND_RUN = """
import json, sys
import torch
from transformers import AutoModel, AutoTokenizer
from stilts_xl.run.models import model_folder
folder = model_folder(*json.loads(sys.argv[1]))
ids = AutoTokenizer.from_pretrained(folder)("a b a")["input_ids"]
model = AutoModel.from_pretrained(folder).eval()
print(json.dumps({"folder": str(folder), "ids": ids, "hidden": model(torch.tensor([ids])).last_hidden_state.sum().item()}))
"""
REPO = "tiny/xlm-roberta"


def xlmr(folder: Path, sharded: bool = False) -> tuple[XLMRobertaModel, list[int]]:
    """A tiny XLM-R with random weights in a folder, with files that must not be fetched; the model, and 'a b a' in ids."""
    torch.manual_seed(0)
    vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁a", -1.0), ("▁b", -2.0)]
    assert Tokenizer(Unigram(vocabulary, unk_id=3, byte_fallback=False)).get_vocab_size() == 6
    tokenizer = XLMRobertaTokenizer(vocab=vocabulary)
    tokenizer.save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20,
    )
    model = XLMRobertaModel(config)
    model.train(False)
    model.save_pretrained(folder, max_shard_size="1KB" if sharded else "50GB")
    (folder / "onnx").mkdir()
    for name in ("pytorch_model.bin", "modeling_custom.py", "README.md", "onnx/config.json", "onnx/model.safetensors"):
        (folder / name).write_bytes(b"not to be fetched")
    return model, tokenizer("a b a")["input_ids"]


@dataclass(frozen=True)
class Story:
    """A model fetched twice from a hub that is gone by now."""

    commit: str
    ids: list[int]
    hidden: float
    first: dict[str, Any]
    requests: list[str]
    second_requests: list[str]
    endpoint: str
    home: Path


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("model")
    model, ids = xlmr(folder / "repo")
    hidden = model(torch.tensor([ids])).last_hidden_state.sum().item()
    with Hub() as hub:
        commit = hub.commit("model", REPO, folder / "repo")
        first = run_script(FETCH_AND_RUN, (REPO, commit, False), hub.endpoint, folder / "home")
        requests = list(hub.requests)
        run_script(FETCH, (REPO, commit, False), hub.endpoint, folder / "home")
        second = hub.requests[len(requests) :]
    return Story(commit, ids, hidden, first, requests, second, hub.endpoint, folder / "home")


def test_the_fetched_folder_loads_with_transformers_and_computes_what_was_published(story: Story) -> None:
    assert story.first["ids"] == story.ids
    assert story.first["hidden"] == pytest.approx(story.hidden, abs=1e-5)


def test_only_configuration_safetensors_and_tokenizer_files_are_fetched(story: Story) -> None:
    names = {path.relative_to(story.first["folder"]).as_posix() for path in Path(story.first["folder"]).rglob("*")}
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert not [request for request in story.requests if request.endswith((".bin", ".py", ".md")) or "onnx" in request]


def test_the_folder_is_the_one_of_the_commit(story: Story) -> None:
    assert Path(story.first["folder"]).name == story.commit


def test_a_second_time_fetches_no_file(story: Story) -> None:
    assert not [request for request in story.second_requests if "/resolve/" in request or "/blobs/" in request]


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}], ids=["asked", "asked and in the environment"])
def test_offline_the_cached_model_loads_without_trying_a_connection(story: Story, environment: dict[str, str]) -> None:
    again = run_script(
        NO_CONNECTIONS + FETCH_AND_RUN, (REPO, story.commit, True), story.endpoint, story.home, **environment
    )
    assert again == story.first


def test_offline_without_the_model_in_the_cache_is_a_mistake_that_says_what_to_do(story: Story, tmp_path: Path) -> None:
    answer = run_script(NO_CONNECTIONS + FETCH, (REPO, story.commit, True), story.endpoint, tmp_path)
    assert answer["exit_code"] == 2
    assert REPO in answer["error"]
    assert "run once without --offline" in answer["error"]


def test_a_hub_that_cannot_be_reached_is_a_failure_only_where_the_cache_has_no_copy(
    story: Story, tmp_path: Path
) -> None:
    cached = run_script(FETCH, (REPO, story.commit, False), story.endpoint, story.home)
    forbidden = run_script(FETCH, (REPO, story.commit, False), story.endpoint, tmp_path, HF_HUB_OFFLINE="1")
    assert cached["folder"] == story.first["folder"]
    assert forbidden["exit_code"] == 1
    assert "cannot be reached" in forbidden["error"]
    assert "HF_HUB_OFFLINE" in forbidden["error"]
    assert len(forbidden["error"].splitlines()) <= 3


def test_weights_in_shards_are_all_fetched(tmp_path: Path) -> None:
    xlmr(tmp_path / "repo", sharded=True)
    shards = sorted(path.name for path in (tmp_path / "repo").glob("*.safetensors"))
    with Hub() as hub:
        commit = hub.commit("model", REPO, tmp_path / "repo")
        answer = run_script(FETCH_AND_RUN, (REPO, commit, False), hub.endpoint, tmp_path / "home")
    assert len(shards) > 1
    assert sorted(path.name for path in Path(answer["folder"]).glob("*.safetensors")) == shards


def test_what_cannot_be_used_is_a_mistake_that_names_it(tmp_path: Path) -> None:
    xlmr(tmp_path / "repo")
    (tmp_path / "repo" / "model.safetensors").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "weights.gguf").write_bytes(b"")
    with Hub() as hub:
        pickled = hub.commit("model", "tiny/pickled", tmp_path / "repo")
        foreign = hub.commit("model", "tiny/foreign", tmp_path / "other")
        asked = {
            "has no safetensors weights, and no other format is read": ("tiny/pickled", pickled),
            "expected config.json": ("tiny/foreign", foreign),
            "the Hub has no model 'tiny/absent'": ("tiny/absent", "0" * 40),
            f"the Hub has no model 'tiny/pickled' at revision '{'0' * 40}'": ("tiny/pickled", "0" * 40),
            "expected owner/name": ("tiny/pickled/deep", "0" * 40),
        }
        answers = {
            why: run_script(FETCH, (*what, False), hub.endpoint, tmp_path / "home") for why, what in asked.items()
        }
    for why, answer in answers.items():
        assert why in answer["error"]
        assert answer["exit_code"] == 2
        assert len(answer["error"].splitlines()) <= 3


def test_a_branch_of_a_model_resolves_to_its_commit(tmp_path: Path) -> None:
    ask = "import json, sys; from stilts_xl.data.hub import commit_of; print(json.dumps(commit_of(*json.loads(sys.argv[1]))))"
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "config.json").write_text("{}")
    lock = tmp_path / "lock.json"
    with Hub() as hub:
        commit = hub.commit("model", REPO, tmp_path / "repo")
        assert run_script(ask, ("model", REPO, "main", str(lock), False), hub.endpoint, tmp_path / "home") == commit
    assert json.loads(lock.read_text()) == {f"models/{REPO}@main": commit}
    assert (
        run_script(NO_CONNECTIONS + ask, ("model", REPO, "main", str(lock), True), hub.endpoint, tmp_path / "home")
        == commit
    )
