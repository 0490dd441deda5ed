"""What a chain cannot do without is asked for, and never quietly left out."""

import shutil
from pathlib import Path

import pytest

from sample_rows import SAMPLE_ROOT
from stilts_xl.core.errors import Mistake
from toys import chain


def test_rows_that_choose_the_best_step_are_needed_also_where_they_are_scored_too(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(SAMPLE_ROOT, root)
    (root / "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json").unlink()
    scored = (
        "data=local",
        f"data.root={root}",
        "model=scratch",
        "protocol=smoke",
        "target=tydiqa",
        "languages=[en,fi]",
    )
    kept_last = chain(tmp_path / "work", quick=scored)
    assert list(kept_last.absent) == ["en"]
    with pytest.raises(Mistake, match="no validation data of tydiqa"):
        chain(tmp_path / "work", "target.selection=best", "target.split=validation", quick=scored)
