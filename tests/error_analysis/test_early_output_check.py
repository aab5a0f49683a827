"""An output that cannot be written is told before rankings are read."""

import pytest

from error_analysis import comparison, exports, figure, hubness, mining, significance
from tests.conftest import assert_one_clear_line


@pytest.mark.parametrize("command", [mining, significance, hubness, comparison, figure])
def test_a_folder_in_the_place_of_the_output_is_told_first(command, tmp_path, run_main):
    (tmp_path / "taken.png").mkdir()
    missing = [tmp_path / "none.npz"] * (2 if command is comparison else 1)
    arguments = ["--rankings", *missing, "--split_file", tmp_path / "none.json"]
    if command is figure:
        arguments += ["--images", tmp_path / "none.h5"]
    status = run_main(command.main, *arguments, "--output", tmp_path / "taken.png")
    assert_one_clear_line(status, "taken.png")
    assert "none" not in status


def test_a_file_in_the_place_of_a_folder_is_told_first(tmp_path, run_main):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tables").write_text("a file")
    arguments = ["--rankings", tmp_path / "none.npz", "--split_file", tmp_path / "none.json"]
    status = run_main(exports.main, *arguments, "--output_dir", tmp_path / "out")
    assert_one_clear_line(status, "tables")
    assert "none" not in status
