"""Atomic writes, and paths that cannot be written."""

import errno
import os
from pathlib import Path

import pytest

from preprocess.errors import InputError
from preprocess.files import atomic_path, check_writable, write_json


def test_a_folder_is_not_overwritten(tmp_path):
    for write in (check_writable, lambda path: write_json(path, {})):
        with pytest.raises(InputError, match="expected the name of a file, found a folder"):
            write(tmp_path)
    with pytest.raises(InputError, match="found a device"):
        check_writable(Path("/dev/null"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_a_disk_that_fails_is_one_line_and_leaves_the_old_file(tmp_path, monkeypatch, operation):
    (tmp_path / "a.txt").write_text("old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, operation, fail)
    with (
        pytest.raises(InputError, match=r"a\.txt: cannot be written \(No space left on device"),
        atomic_path(tmp_path / "a.txt") as partial,
    ):
        partial.write_text("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_path_is_checked_without_making_anything(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "a.h5")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        check_writable(tmp_path / "file" / "a.h5")


def test_a_full_disk_while_writing_is_one_line_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(InputError, match=r"scores\.npz: cannot be written .*make room"),
        atomic_path(tmp_path / "scores.npz"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []
