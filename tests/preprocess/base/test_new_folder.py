"""A folder that is written as a whole, or not at all."""

import pytest

from preprocess.base.errors import InputError
from preprocess.base.new_folder import check_new_folder, new_folder


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_has_its_name_when_the_block_has_ended(tmp_path):
    with new_folder(tmp_path / "above" / "made") as folder:
        (folder / "weights").write_text("w")
        assert not (tmp_path / "above" / "made").exists()
    assert names(tmp_path / "above") == ["made"]
    assert (tmp_path / "above" / "made" / "weights").read_text() == "w"


def write_and_fail(path) -> None:
    with new_folder(path) as folder:
        (folder / "weights").write_text("w")
        raise ZeroDivisionError


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "made")
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_no_part_of_it(tmp_path):
    (tmp_path / ".made.partial").mkdir()
    (tmp_path / ".made.partial" / "old").write_text("w")
    with new_folder(tmp_path / "made"):
        pass
    assert names(tmp_path) == ["made"]
    assert names(tmp_path / "made") == []


def test_an_empty_folder_may_be_there(tmp_path):
    (tmp_path / "made").mkdir()
    with new_folder(tmp_path / "made") as folder:
        (folder / "weights").write_text("w")
    assert names(tmp_path / "made") == ["weights"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_there_is_not_replaced(tmp_path, what):
    path = tmp_path / "made"
    if what == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine").write_text("mine")
    for attempt in (lambda: check_new_folder(path), lambda: new_folder(path).__enter__()):
        with pytest.raises(InputError, match="made: exists; delete it"):
            attempt()
