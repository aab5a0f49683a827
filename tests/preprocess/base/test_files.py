"""Atomic writes, and paths that cannot be written."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from preprocess.base.errors import InputError
from preprocess.base.file_lock import take_lock
from preprocess.base.files import atomic_path, check_writable, read_json, write_json


def test_a_folder_is_not_overwritten(tmp_path):
    for write in (check_writable, lambda path: write_json(path, {})):
        with pytest.raises(InputError, match="expected the name of a file, found a folder"):
            write(tmp_path)
    with pytest.raises(InputError, match="found a device"):
        check_writable(Path("/dev/null"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through_and_stays(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "scratch").mkdir()
    link, target = tmp_path / "home" / "a.json", tmp_path / "scratch" / "big.json"
    link.symlink_to(Path("..") / "scratch" / "big.json")
    for content in ({"n": 1}, {"n": 2}):  # dangling at first
        check_writable(link)
        write_json(link, content)
        assert read_json(target, "") == content
        assert link.is_symlink()
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["a.json"]
    assert [path.name for path in (tmp_path / "scratch").iterdir()] == ["big.json"]


def test_a_link_that_leads_nowhere_is_one_line(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "absent" / "b")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, line in (("a", "a link to .*absent/b, whose folder is not there"), ("loop", "link")):
        for write in (check_writable, lambda path: write_json(path, {})):
            with pytest.raises(InputError, match=line):
                write(tmp_path / name)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_json_however_an_editor_saved_it(tmp_path, encoding):
    (tmp_path / "a.json").write_text('{"caption": "a café"}', encoding)
    assert read_json(tmp_path / "a.json", "") == {"caption": "a café"}


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


def test_of_two_writers_the_second_stops_and_spoils_nothing(tmp_path):
    path = tmp_path / "a.json"
    with atomic_path(path) as partial:
        partial.write_text("first")
        with pytest.raises(InputError, match=r"a\.json: another process is writing it; wait"):
            write_json(path, {"second": 2})
        write_json(tmp_path / "b.json", {"another": "file"})
    assert path.read_text() == "first"
    write_json(path, {"third": 3})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "b.json"]


KILLED = """
import os, signal, sys
from pathlib import Path
from preprocess.base.files import atomic_path

with atomic_path(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_holds_nothing_and_leaves_no_file_of_that_name(tmp_path):
    command = [sys.executable, "-c", KILLED, tmp_path / "a.json"]
    killed = subprocess.run(command, cwd=Path(__file__).resolve().parents[3])
    assert killed.returncode == -signal.SIGKILL
    assert [p.name for p in tmp_path.iterdir()] == [".a.json.partial"]
    write_json(tmp_path / "a.json", {})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_lock_is_of_the_file_that_has_the_name(tmp_path):
    path, held = tmp_path / "a", take_lock(tmp_path / "a")
    path.rename(tmp_path / "b")
    with pytest.raises(BlockingIOError):
        take_lock(tmp_path / "b")
    take_lock(path).close()
    held.close()
    take_lock(tmp_path / "b").close()


def test_a_writer_that_comes_after_the_renaming_keeps_its_file(tmp_path, monkeypatch):
    path, replace = tmp_path / "x.json", os.replace

    def replace_and_let_another_begin(source, target):
        replace(source, target)
        monkeypatch.setattr(os, "replace", replace)
        second.enter_context(atomic_path(path)).write_text("second")

    monkeypatch.setattr(os, "replace", replace_and_let_another_begin)
    with ExitStack() as second:
        with atomic_path(path) as partial:
            partial.write_text("first")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert list(tmp_path.iterdir()) == [path]


def test_half_of_a_character_is_written_and_read_as_it_is(tmp_path):
    write_json(tmp_path / "x.json", {"caption": "a cat \ud83d"})
    assert read_json(tmp_path / "x.json", "") == {"caption": "a cat \ud83d"}


def test_no_folder_is_made_at_the_root_of_the_disk():
    path = Path("/no-such-folder-here/deep/file.json")
    for write in (check_writable, lambda path: write_json(path, {})):
        with pytest.raises(InputError, match="/no-such-folder-here is not there, and would be"):
            write(path)
    assert not Path("/no-such-folder-here").exists()
