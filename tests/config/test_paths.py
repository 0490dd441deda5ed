"""A path is taken as it is written, also where Hydra's grammar would read it as syntax."""

from pathlib import Path

import pytest

from stilts_xl.config.build import build_place
from stilts_xl.config.compose import compose_run
from stilts_xl.core.errors import Mistake

STRANGE = [
    "plain", "two words", "(v1.1)", "a,b", "[x]", "{x}", "a=b", "it's", 'say "x"', "back\\slash", "dollar$", "${x}", "#1",
    "ünï 語", "~", "null", "1e-3", "+x", "a:b", "*", "end ", "tab\there",
]  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_a_root_may_have_any_name(name: str, tmp_path: Path):
    folder = tmp_path / name
    folder.mkdir()
    composed = compose_run(["data=local", f"data.root={folder}", f"model.path={folder}"])
    assert composed["model"]["path"] == str(folder)
    assert build_place(composed["data"], "w", True).root == str(folder.resolve())


def test_a_path_that_a_model_does_not_have_is_refused():
    with pytest.raises(Mistake, match="unknown setting 'model.tokenizer'"):
        compose_run(["model=xlmr_base", "model.tokenizer=/x"])


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build_place(compose_run(["data=local", "data.root=~"])["data"], "w", True).root == str(tmp_path.resolve())
