"""A file is written whole or not at all, and what the system refuses is told with the file's name and what to do."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from small_disk import small_disk
from stilts_xl.core.errors import Lost, StiltsError, file_error, naming
from stilts_xl.model.encoder import write_tensors
from stilts_xl.store.files import write_atomically


@contextmanager
def files_of_at_most(count: int) -> Iterator[None]:
    """Files that this process writes in the block can have no more bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_grows_too_large_is_named_and_the_old_one_stays(tmp_path: Path):
    path = tmp_path / "record.json"
    write_atomically(path, "old")
    with files_of_at_most(100), pytest.raises(OSError, match="File too large") as caught:
        write_atomically(path, "new" * 100)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("record.json", "old")]


def test_a_full_disk_and_a_read_only_one_are_told_and_keep_the_old_file(tmp_path: Path):
    with small_disk(tmp_path / "disk", pages=8) as disk:
        path = disk.path / "record.json"
        write_atomically(path, "old")
        disk.fill()
        with pytest.raises(OSError, match="No space left on device") as caught:
            write_atomically(path, "new")
        assert caught.value.filename == str(path)
        assert sorted(one.name for one in disk.path.iterdir()) == ["filler", "record.json"]
        disk.empty()
        with disk.read_only(), pytest.raises(OSError, match="Read-only file system") as caught:
            write_atomically(path, "new")
        assert caught.value.filename == str(path)
        assert path.read_text() == "old"
        write_atomically(path, "new")
        assert path.read_text() == "new"


def test_a_folder_in_place_of_the_file_stays_alone(tmp_path: Path):
    (tmp_path / "record.json").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_atomically(tmp_path / "record.json", "x")
    assert caught.value.filename == str(tmp_path / "record.json")
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


class Foreign(Exception):
    """What a library in Rust raises."""


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOSPC, "No space left on device", "another name"),
        Foreign("Error while serializing: I/O error: No space left on device (os error 28)"),
        Exception("No space left on device (os error 28)"),
    ],
)
def test_whatever_a_library_says_of_a_full_disk_becomes_one_error_with_the_files_name(error: Exception):
    with pytest.raises(OSError, match="weights") as caught, naming(Path("weights")):
        raise error
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "weights")


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), Foreign("invalid tensor"), KeyboardInterrupt(), StiltsError("x")]
)
def test_what_is_no_file_error_stays_what_it_is(error: BaseException):
    with pytest.raises(type(error)) as caught, naming(Path("weights")):
        raise error
    assert caught.value is error


@given(st.sampled_from(sorted(errno.errorcode)), st.sampled_from(["w/β 实验/record.json", b"w/x", None]))
def test_an_error_of_the_system_is_told_in_two_lines_with_its_file_or_not_at_all(number: int, name: str | bytes | None):
    told = file_error(OSError(number, os.strerror(number), name))
    if told is not None:
        first, second = str(told).splitlines()
        assert os.strerror(number) in first
        assert (os.fsdecode(name) if name else "a file") in first
        assert second.endswith("; the same command goes on")
        assert told.exit_code == 1
    elif name is not None:
        assert number not in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR)


def test_bugs_of_ours_are_not_told_as_if_the_user_could_mend_them():
    assert file_error(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")) is None
    assert file_error(OSError("no number")) is None
    assert file_error(PermissionError(errno.EPERM, "Operation not permitted")) is None


def test_a_lost_claim_is_a_failure_and_no_mistake():
    assert Lost("another process has taken over squad-3f9a1c2e").exit_code == 1


def test_who_may_read_a_folder_may_read_what_is_written_there(tmp_path: Path) -> None:
    for mode in (0o700, 0o750, 0o755):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        write_atomically(folder / "record.json", "{}")
        write_tensors({"weight": torch.zeros(1)}, folder / "model.safetensors")
        modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
        assert modes == {mode & 0o666}
