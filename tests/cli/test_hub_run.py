"""A whole chain from the Hub: model and data fetched once, then the same chain and another one without a network."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_repositories import fill
from hub_server import NO_CONNECTIONS, Hub
from stilts_xl.core.stage import Scratch
from stilts_xl.model.encoder import from_scratch, load_tokenizer
from stilts_xl.run.resolve import TOKENIZER

CHAIN = ["intermediate=squad", "target=tydiqa", "model=xlmr_base", "protocol=smoke", "languages=[en,fi]"]
STILTS = "from stilts_xl.cli.app import main\nmain()\n"


def publish_model(hub: Hub, folder: Path) -> None:
    """A tiny XLM-R with random weights under the name of the real one."""
    tokenizer = load_tokenizer(TOKENIZER)
    encoder = from_scratch(Scratch(16, 1, 2, 32, 130, 0.1, 0, "toy"), tokenizer)
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    hub.commit("model", "FacebookAI/xlm-roberta-base", folder)


def stilts(arguments: list[str], home: Path, endpoint: str, prelude: str = "") -> "subprocess.CompletedProcess[str]":
    """The command line in a process of its own, with its own cache of the Hub."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home)}
    command = [sys.executable, "-c", f"{prelude}{STILTS}", *arguments]
    return subprocess.run(command, env=environment, cwd=home.parent, capture_output=True, text=True, timeout=240)


@dataclass(frozen=True)
class Story:
    """A chain run beside its hub, then again and with another seed when the hub was gone."""

    online: "subprocess.CompletedProcess[str]"
    again: "subprocess.CompletedProcess[str]"
    other: "subprocess.CompletedProcess[str]"
    unresolved: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("hub-run")
    home = folder / "home"
    with Hub() as hub:
        fill(hub, folder / "data")
        publish_model(hub, folder / "model")
        endpoint = hub.endpoint
        online = stilts(["run", *CHAIN, "-w", "work"], home, endpoint)
    again = stilts(["run", *CHAIN, "-w", "work", "--offline"], home, endpoint, NO_CONNECTIONS)
    other = stilts(["run", *CHAIN, "seed=2", "-w", "work", "--offline"], home, endpoint, NO_CONNECTIONS)
    unresolved = stilts(["run", *CHAIN, "-w", "elsewhere", "--offline"], home, endpoint, NO_CONNECTIONS)
    return Story(online, again, other, unresolved)


def test_a_chain_runs_from_the_hub_with_only_its_address_changed(story: Story) -> None:
    assert story.online.returncode == 0, story.online.stderr
    assert "✓ 2 trained, 2 predicted" in story.online.stdout
    assert "xlmr_base → squad → tydiqa" in story.online.stdout


def test_the_same_chain_is_found_offline_under_the_same_keys(story: Story) -> None:
    assert story.again.returncode == 0, story.again.stderr
    assert "✓ 4 stages here, nothing to do" in story.again.stdout


def test_another_chain_trains_offline_from_what_was_fetched_and_opens_no_connection(story: Story) -> None:
    assert story.other.returncode == 0, story.other.stderr
    assert "✓ 2 trained, 2 predicted" in story.other.stdout


def test_offline_a_revision_that_was_never_resolved_is_a_mistake_in_what_was_asked(story: Story) -> None:
    assert story.unresolved.returncode == 2
    assert "--offline" in story.unresolved.stderr
    assert len(story.unresolved.stderr.strip().splitlines()) <= 3
