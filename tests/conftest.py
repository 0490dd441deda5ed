"""What many tests share."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """Sample data are kept for the session, where all of its processes find them; and no test is in a terminal."""
    os.environ.pop("COLUMNS", None)  # pytest-xdist sets it in its workers
    if not hasattr(config, "workerinput"):
        os.environ["STILTS_CACHE"] = tempfile.mkdtemp(prefix="stilts-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """And no longer."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["STILTS_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of official downloads, in XTREME's layout; tests that count its rows are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("STILTS_DATA_ROOT", beside))
    if not root.is_dir():
        pytest.skip(f"no official downloads in {root}; STILTS_DATA_ROOT names their folder")
    return root


@pytest.fixture(scope="session")
def tokenizer() -> "PreTrainedTokenizerBase":
    """The bundled tokenizer."""
    from stilts_xl.model.encoder import load_tokenizer  # transformers takes seconds, and most tests do without it
    from stilts_xl.run.resolve import TOKENIZER

    return load_tokenizer(TOKENIZER)
