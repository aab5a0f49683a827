"""The benchmark of the commands of error analysis, on a gallery of twelve images."""

import numpy as np
import pytest

from benchmarks.error_analysis import main
from preprocess.captions.split_file import write_split
from tests.conftest import make_split
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
    commands = "caption_oracle significance explain slices false_negatives report"
    assert names == commands.split()
    assert all(float(line.split()[2]) > 0 for line in lines[2:])
