"""Where data are: one source at a time, and a folder for sample data that the environment names."""

from pathlib import Path

import pytest

from sample_rows import ROWS, SAMPLE_ROOT
from stilts_xl.config.compose import compose_run
from stilts_xl.config.place import build_place, cache_folder
from stilts_xl.core.errors import Mistake
from stilts_xl.core.place import DataPlace, Sample


def place(*words: str) -> DataPlace:
    return build_place(compose_run([*words])["data"], "w", offline=True)


def test_sample_data_have_a_seed_and_sizes_and_a_folder_of_their_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("STILTS_CACHE", str(tmp_path))
    found = place("data=sample")
    assert found.sample == Sample(seed=1, train=500, validation=100, test=100, text=2000)
    assert Path(found.root).parent == tmp_path and Path(found.root).name.startswith("sample-")
    assert place("data=sample", "data.train=500") == found
    other = place("data=sample", "data.train=7", "data.seed=2")
    assert other.sample == Sample(seed=2, train=7, validation=100, test=100, text=2000)
    assert other.root != found.root
    assert not list(tmp_path.iterdir()), "nothing is written before a chain is resolved"


@pytest.mark.parametrize("source", [("data=hub",), ROWS], ids=["hub", "local"])
def test_other_sources_have_no_such_settings(source: tuple[str, ...]) -> None:
    assert place(*source).sample is None
    with pytest.raises(Mistake, match="unknown setting 'data.train'"):
        place(*source, "data.train=7")


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "null"])
def test_a_size_is_a_whole_number_above_zero(value: str) -> None:
    with pytest.raises(Mistake, match=r"data\.test: expected"):
        place("data=sample", f"data.test={value}")


def test_a_misspelt_size_is_named_with_the_nearest() -> None:
    with pytest.raises(Mistake, match=r"Did you mean 'data\.validation'"):
        place("data=sample", "data.validatoin=7")


def test_a_folder_of_downloads_is_what_it_is_called() -> None:
    assert place(*ROWS) == DataPlace("local", str(SAMPLE_ROOT), "w/hub-lock.json", True)


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("STILTS_CACHE", raising=False)
    for unset in ("", "relative/is/no/base"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache_folder() == tmp_path / ".cache" / "stilts-xl"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "stilts-xl"
    monkeypatch.setenv("STILTS_CACHE", "~/mine")
    assert cache_folder() == tmp_path / "mine"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch) -> None:
    monkeypatch.setenv("STILTS_CACHE", "~nobody-of-that-name/cache")
    with pytest.raises(Mistake, match="no home folder.*\nSTILTS_CACHE=DIR"):
        cache_folder()
