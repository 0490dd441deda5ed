"""Sample data are written when they are first read, once, and are the same wherever that is."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from sample_rows import SIZES
from stilts_xl.core.errors import Mistake
from stilts_xl.core.place import DataPlace, Sample
from stilts_xl.core.site import Site
from stilts_xl.core.stage import Data
from stilts_xl.data.examples import load
from stilts_xl.data.sample import can_be_written, is_unwritten, root_of, sample_languages, sample_name
from stilts_xl.data.sources import Absent, pin
from stilts_xl.run.jobs import Job
from stilts_xl.run.launchers.letters import job_letter, read_job
from stilts_xl.store.files import file_digest
from stilts_xl.tasks.catalog import task_named
from toys import COMPUTE, chain, learned

SAMPLE = Sample(seed=3, **SIZES)


def place(folder: Path, sample: Sample = SAMPLE) -> DataPlace:
    """Where these sample data are, or will be."""
    return DataPlace("sample", str(folder / sample_name(sample)), "", True, sample)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    """Sample data that are there."""
    found = place(tmp_path_factory.mktemp("cache"))
    root_of(found)
    return found


def bytes_below(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def pinned(place: DataPlace, task: str = "tydiqa", split: str = "test", language: str = "fi") -> Data | Absent:
    return pin(task_named(task), split, language, place, 0, file_digest)


def test_what_is_there_is_not_written_again(made: DataPlace) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(made.root).rglob("*")}
    assert not is_unwritten(made)
    assert root_of(made) == Path(made.root)
    assert {path: path.stat().st_mtime_ns for path in Path(made.root).rglob("*")} == before


def test_rows_that_were_pinned_elsewhere_are_written_where_they_are_read(made: DataPlace, tmp_path: Path) -> None:
    data, elsewhere = pinned(made), place(tmp_path / "not" / "there")
    assert isinstance(data, Data)
    assert is_unwritten(elsewhere)
    there = load(task_named("tydiqa"), data, made)
    assert load(task_named("tydiqa"), data, elsewhere).examples == there.examples
    assert len(there.examples) == SIZES["test"]
    assert pinned(elsewhere) == data, "where they are is not what they are"


def test_other_seeds_and_sizes_are_other_data_in_other_folders(made: DataPlace, tmp_path: Path) -> None:
    names = {sample_name(SAMPLE), sample_name(replace(SAMPLE, seed=4))}
    names |= {sample_name(replace(SAMPLE, **{name: 9})) for name in SIZES}
    assert len(names) == 2 + len(SIZES)
    other = place(tmp_path, replace(SAMPLE, seed=4, test=9))
    assert pinned(other) != pinned(made)


def test_two_who_write_the_same_data_at_once_do_not_hurt_each_other(made: DataPlace, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(root_of, [place(tmp_path)] * 2)] == [Path(place(tmp_path).root)] * 2
    assert bytes_below(tmp_path / sample_name(SAMPLE)) == bytes_below(Path(made.root))
    assert [path.name for path in tmp_path.iterdir()] == [sample_name(SAMPLE)]


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # nobody can write below a file, not even root
    lost = place(tmp_path / "file")
    assert is_unwritten(lost) and not can_be_written(lost)
    with pytest.raises(Mistake, match=rf"cannot be written to {lost.root}: .*\nSTILTS_CACHE=DIR names another folder"):
        pinned(lost)
    assert can_be_written(place(tmp_path / "some" / "where"))


def test_half_of_the_data_is_never_taken_for_all_of_them(made: DataPlace, tmp_path: Path) -> None:
    half = Path(place(tmp_path).root)
    half.mkdir()
    (half / "world.json").write_text(json.dumps({"key": "another"}))
    (half / "tydiqa").mkdir()
    assert pinned(place(tmp_path)) != pinned(made)
    (half / "world.json").unlink()
    with pytest.raises(Mistake, match="is there already"):
        pinned(place(tmp_path))


def test_a_language_without_sample_data_is_absent_as_in_any_folder(made: DataPlace) -> None:
    for name in ("xnli", "panx", "mlm"):
        task = task_named(name)
        split = "test" if task.has_split("test") else "validation"
        there = [code for code in task.languages if isinstance(pinned(made, name, split, code), Data)]
        assert there == list(sample_languages(task)) and len(there) > 5
    assert pinned(made, "tatoeba", "validation", "de") == Absent(())


def test_a_job_takes_along_what_its_data_are_made_from(tmp_path: Path) -> None:
    choice = chain(tmp_path, "target=tydiqa").site.model
    job = Job((learned("squad"),), Site(str(tmp_path), place(tmp_path), choice, COMPUTE, "none"))
    assert read_job(json.loads(json.dumps(job_letter(job)))) == job
