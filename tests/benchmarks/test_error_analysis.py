"""The benchmark of the commands of error analysis, on a gallery of twelve images."""

import numpy as np
import pytest

from benchmarks.error_analysis import COMMANDS, HERE, main
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line, make_split
from tests.error_analysis.scored import save_rankings


@pytest.mark.long
def test_every_command_has_its_seconds_and_memory(tmp_path, run_main, capsys):
    split = make_split(12, name="test", seed=2)
    write_split(tmp_path / "test.json", split)
    scores = np.random.default_rng(0).random((12, len(split.captions)), np.float32)
    paths = [save_rankings(tmp_path / n / "test.npz", scores, split) for n in ("a", "b")]
    options = ["--rankings", *paths, "--split_file", tmp_path / "test.json"]
    assert run_main(main, *options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"12 images, {len(split.captions):,} captions, 2 models"
    names = [line.split()[0] for line in lines[2:]]
    assert tuple(names) == COMMANDS
    assert all(float(cell) > 0 for line in lines[2:] for cell in line.split()[1:3])


def test_another_checkout_takes_turns(tmp_path, run_main, capsys):
    split = make_split(12, name="test", seed=2)
    write_split(tmp_path / "test.json", split)
    scores = np.random.default_rng(0).random((12, len(split.captions)), np.float32)
    path = save_rankings(tmp_path / "a" / "test.npz", scores, split)
    options = ["--rankings", path, "--split_file", tmp_path / "test.json", "--against", HERE]
    assert run_main(main, *options, "--commands", "false_negatives") == 0
    head, line = capsys.readouterr().out.splitlines()[1:]
    assert head.split()[-2:] == ["before", "ratio"]
    assert float(line.split()[-1]) > 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--commands", "explian"], "found explian"),
        (["--against", "tests"], "expected a checkout"),
    ],
)
def test_wrong_options_are_told(options, told, tmp_path, run_main):
    split = ["--split_file", tmp_path / "test.json", "--rankings", tmp_path / "test.npz"]
    assert_one_clear_line(run_main(main, *split, *options), told)
