"""Recall by the recorded kind of caption."""

import json

import numpy as np

from demo.kinds import gains_table, kinds_table, main
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import make_split, save_rankings, scores_with_ranks, untied


def test_the_table_has_recall_and_median_rank_of_each_kind():
    kinds = np.array(["plain", "plain", "typo", "typo", "underspecified"])
    table = kinds_table({"m": untied([0, 4, 3, 12, 30])}, kinds).splitlines()
    # No column for the kinds that are not there.
    assert table[0].split() == ["R@10,", "median", "rank", "plain", "typo", "underspecified"]
    assert table[1].split() == ["caption", "queries", "2", "2", "1"]
    assert table[2].split() == ["m", "100.0,", "2", "50.0,", "7.5", "0.0,", "30"]
    assert len(table) == 3


def test_a_captioners_surprise_tells_kinds_apart():
    kinds = np.array(["plain", "plain", "typo", "typo"])
    table = gains_table(np.array([2.0, 0.5, 1.0, 0.2]), kinds).splitlines()
    assert table[1].split() == ["plain", "2", "1.25", "2"]
    # Of the four pairs of a typo and a plain caption, the typo's gain is the lower one in three.
    assert table[2].split() == ["typo", "2", "0.60", "0.75", "2"]


def test_the_command_reads_rankings_and_recorded_kinds(tmp_path, run_main, capsys):
    split = make_split([1] * 3)
    write_split(tmp_path / "test.json", split)
    save_rankings(tmp_path / "r.npz", scores_with_ranks([0, 2, 1]).T, split)
    kinds = {str(i): {"kind": "plain"} for i in split.caption_ids}
    arguments = ["--rankings", tmp_path / "r.npz", "--split_file", tmp_path / "test.json"]
    arguments += ["--kinds", tmp_path / "kinds.json"]
    (tmp_path / "kinds.json").write_text(json.dumps(kinds))
    assert run_main(main, *arguments) == 0
    assert "100.0, 1" in capsys.readouterr().out
    (tmp_path / "kinds.json").write_text("{}")
    assert_one_clear_line(run_main(main, *arguments), "kinds.json", "5000")
