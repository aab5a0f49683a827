"""The benchmark of training Sx3HRe: its table on tiny models."""

import pytest

from benchmarks import sx3hre_training
from benchmarks.sx3hre_training import ASKED, ASKED_FIXED, CACHED, WITHOUT
from tests.conftest import assert_one_clear_line

TINY = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 32}


@pytest.fixture
def run(monkeypatch, run_main, tmp_path):
    monkeypatch.setattr(sx3hre_training, "PUBLISHED", TINY)
    monkeypatch.setattr(sx3hre_training, "DEPTH", 1)
    monkeypatch.setattr(sx3hre_training, "VOCABULARY", 600)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")  # taken back, which main sets too
    sizes = ("--steps", 1, "--repeats", 1, "--num_workers", 0)
    return lambda *options: run_main(sx3hre_training.main, "--folder", tmp_path, *sizes, *options)


@pytest.mark.long
def test_each_way_has_a_row_and_nothing_is_left(run, capsys, tmp_path):
    assert run("--batch_size", 2, "--n_images", 4) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("training "))
    rows = lines[start + 1 : start + 5]
    for row, name in zip(rows, (ASKED, ASKED_FIXED, CACHED, WITHOUT), strict=True):
        assert row.startswith(name)
        rate, ratio = map(float, row.removeprefix(name).split()[:2])
        assert rate > 0
        assert ratio > 0
    assert list(tmp_path.iterdir()) == []


def test_too_few_images_for_two_batches_are_refused(run):
    assert_one_clear_line(run("--batch_size", 8, "--n_images", 15), "--n_images", "16", "15")
