"""The benchmark of float16 features, on a tiny LXMERT."""

import re

from benchmarks import float16_features
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.captions.split_file import read_split
from tests.conftest import save_lxmert


def test_changes_of_scores_and_ranks_are_printed(data_dir, tmp_path, run_main, capsys):
    model = save_lxmert(tmp_path / "model")
    options = ("--model_name_or_path", model, "--data_dir", data_dir)
    assert run_main(float16_features.main, *options) == 0
    printed = capsys.readouterr().out
    split = read_split(data_dir / "test.json")
    n_captions = len(split.caption_image_index)
    assert f"scores: {len(split.images) * n_captions:,} from " in printed
    change = float(re.search(r"largest change of a score: (\S+)", printed)[1])
    assert 0 < change < 0.1
    for direction, n_queries in zip(DIRECTIONS, (len(split.images), n_captions), strict=True):
        moved, n_ranks = re.search(rf"{direction}: (\d+) of (\d+) ranks move", printed).groups()
        assert 0 <= int(moved) <= int(n_ranks) == n_queries
    assert re.search(r"rsum: [\d.]+ with float32, [\d.]+ with float16", printed)
