"""What many tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of official downloads, in XTREME's layout; tests that count its rows are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("STILTS_DATA_ROOT", beside))
    if not root.is_dir():
        pytest.skip(f"no official downloads in {root}; STILTS_DATA_ROOT names their folder")
    return root
