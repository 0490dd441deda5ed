"""What many tests share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")


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
    from stilts_xl.data.sources import SAMPLE_ROOT  # transformers takes seconds, and most tests do without it
    from stilts_xl.model.encoder import load_tokenizer

    return load_tokenizer(SAMPLE_ROOT / "tokenizer")
