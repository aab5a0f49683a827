import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from error_analysis.mining import main, mined_to_json
from error_analysis.queries.hard_queries import (
    easy_indices,
    hard_indices,
    mine,
    sample_indices,
    worst_first,
)
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.scored import (
    make_model,
    make_split,
    model_of_ranks,
    save_rankings,
    scores_with_ranks,
)
from tests.error_analysis.small_folds import FOLD, N_FOLDS, N_IMAGES, save_folds

REPOSITORY = Path(__file__).resolve().parents[2]
# Image queries: easy are 100 and 104; hard are 102, 103 and 111.
RANKS = [0, 9, 10, 11, 0, 0.5, 9.5, 3, 1, 2, 5, 10.5]


def test_a_query_is_hard_from_rank_10_on():
    ranks = np.array([0, 9, 9.5, 10, 10.5, 700])
    assert hard_indices(ranks).tolist() == [3, 4, 5]
    assert hard_indices(ranks, hard_rank=700).tolist() == [5]


def test_a_query_is_easy_only_when_nothing_ties_with_its_ground_truth_at_the_top():
    assert easy_indices(np.array([0.5, 0, 1, 0])).tolist() == [1, 3]


def test_the_worst_rank_comes_first_and_equal_ranks_keep_their_order():
    ranks = np.array([3, 20, 11, 20, 40])
    assert worst_first(np.array([1, 2, 3, 4]), ranks).tolist() == [4, 1, 3, 2]


def test_all_hard_and_easy_queries_are_mined_by_default():
    mined = mine(model_of_ranks(RANKS))["i2t"]
    assert [query.item.image_id for query in mined.hard] == [102, 103, 111]
    assert [query.rank for query in mined.hard] == [10, 11, 10.5]
    assert [query.item.image_id for query in mined.easy] == [100, 104]


def test_caption_queries_are_mined_from_the_columns():
    scores = scores_with_ranks(RANKS).T
    mined = mine(make_model(scores, make_split([1] * len(RANKS))))["t2i"]
    assert [query.item.caption_id for query in mined.hard] == [5002, 5003, 5011]
    assert [query.item.caption_id for query in mined.easy] == [5000, 5004]


def test_no_hard_query_is_an_empty_list():
    mined = mine(model_of_ranks([0] * 12))
    assert mined["i2t"].hard == ()
    assert mined["i2t"].n_hard == 0


def test_a_sample_depends_on_the_seed_alone():
    indices = np.arange(0, 200, 2)
    samples = [sample_indices(indices, 40, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert samples[0].tolist() == samples[1].tolist() != samples[2].tolist()
    assert len(set(samples[0].tolist())) == 40
    assert set(samples[0].tolist()) <= set(indices.tolist())


def test_a_sample_of_more_than_there_are_is_all_of_them():
    assert sample_indices(np.array([3, 7]), 40, np.random.default_rng(0)).tolist() == [3, 7]


def test_a_sample_tells_how_many_there_were():
    mined = mine(model_of_ranks(RANKS), sample=1, generator=np.random.default_rng(0))
    counts = mined_to_json(mined, {"seed": 0})["metadata"]["counts"]["i2t"]
    assert counts == {
        "queries": 12,
        "hard": 3,
        "easy": 2,
        "by_chance": 1,  # the one of rank 9.5
        "hard_written": 1,
        "easy_written": 1,
    }


@pytest.mark.parametrize("options", [{"hard_rank": 0}, {"sample": 0}])
def test_numbers_below_1_are_refused(options):
    with pytest.raises(InputError, match="expected at least 1, found 0"):
        mine(model_of_ranks(RANKS), **options)


def test_every_key_of_the_originals_result_file_is_in_ours(shared_data):
    original = json.loads((shared_data / "thesis" / "clip_1k_test.json").read_text())
    mined = mine(make_model(scores_with_ranks(RANKS), make_split([1] * len(RANKS))))
    transposed = mine(make_model(scores_with_ranks(RANKS).T, make_split([1] * len(RANKS))))
    ours = {"i2t": mined_to_json(mined, {})["i2t"], "t2i": mined_to_json(transposed, {})["t2i"]}
    for direction, kinds in original.items():
        for kind, entries in kinds.items():
            assert ours[direction][kind], (direction, kind)
            for entry in ours[direction][kind]:
                assert entry.keys() >= entries[0].keys()
    for direction, of_direction in original.items():
        for key, value in of_direction["hard"][0].items():
            assert type(ours[direction]["hard"][0][key]) is type(value)


def run_mining(monkeypatch, rankings: Path, split_file: Path, output: Path, *options: str) -> None:
    command = ["mining", "--rankings", str(rankings), "--split_file", str(split_file)]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(output), *options])
    main()


def test_the_command_writes_what_it_found_and_how(tmp_path, monkeypatch, capsys):
    split = make_split([1] * len(RANKS))
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(RANKS), split)
    output = tmp_path / "hard.json"
    run_mining(
        monkeypatch, rankings, tmp_path / "test.json", output, "--sample", "2", "--seed", "7"
    )
    content = json.loads(output.read_text())
    assert len(content["i2t"]["hard"]) == 2
    metadata = content["metadata"]
    assert metadata["rules"] == {"hard": "rank >= 10", "easy": "rank == 0"}
    assert (metadata["sample"], metadata["seed"], metadata["protocol"]) == (2, 7, "full")
    assert (metadata["model"], metadata["rankings"]) == ("tiny", str(rankings))
    printed = capsys.readouterr().out
    assert "i2t 2 of 3 hard, 2 easy" in printed
    assert "hard: rank >= 10; easy: rank == 0" in printed


def test_rankings_of_another_split_end_the_command_with_one_line(tmp_path):
    split, other = make_split([1] * 3), make_split([1] * 3, "other {}")
    write_split(tmp_path / "test.json", other)
    save_rankings(tmp_path / "test.npz", scores_with_ranks([0, 1, 2]), split)
    output = tmp_path / "hard.json"
    command = ["--rankings", tmp_path / "test.npz", "--split_file", tmp_path / "test.json"]
    finished = subprocess.run(
        [sys.executable, "-m", "error_analysis.mining", *command, "--output", output],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith("error: ")
    assert "another split" in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not output.exists()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [("--seed", -1, "0 or more"), ("--sample", 0, "at least 1"), ("--hard_rank", 0, "at least 1")],
)
def test_a_number_out_of_range_is_one_line(tmp_path, run_main, option, value, expected):
    split, output = make_split([1] * len(RANKS)), tmp_path / "hard.json"
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(RANKS), split)
    files = ["--rankings", rankings, "--split_file", tmp_path / "test.json", "--output", output]
    status = run_main(main, *files, option, value)
    assert_one_clear_line(status, option, f"expected {expected}, found {value}")
    assert not output.exists()


def mined_file(run_main, folder: Path, rankings: Path, *options: str) -> dict:
    files = ["--rankings", rankings, "--split_file", folder / "test.json"]
    assert run_main(main, *files, "--output", folder / "mined.json", *options) == 0
    return json.loads((folder / "mined.json").read_text())


@pytest.mark.usefixtures("small_folds")
def test_5fold_rankings_are_mined_fold_by_fold(tmp_path, run_main, capsys):
    [path] = save_folds(tmp_path, "clip")
    content = mined_file(run_main, tmp_path, path)
    assert list(content) == ["folds", "metadata", "sha256"]
    assert len(content["folds"]) == N_FOLDS
    for i, fold in enumerate(content["folds"]):
        assert list(fold) == ["i2t", "t2i", "metadata"]
        assert fold["metadata"]["fold"] == i
        assert fold["metadata"]["gallery"] == {"images": FOLD, "captions": 2 * FOLD}
        images = range(100 + FOLD * i, 100 + FOLD * (i + 1))
        for entry in [*fold["t2i"]["hard"], *fold["t2i"]["easy"]]:
            assert {entry["image_id"], *entry["retrieved"]} <= set(images)
    total = content["metadata"]["counts"]["t2i"]
    assert total["queries"] == 2 * N_IMAGES
    of_folds = [fold["metadata"]["counts"]["t2i"] for fold in content["folds"]]
    assert total["easy"] == sum(counts["easy"] for counts in of_folds) > 0
    assert content["metadata"]["gallery"] == {"images": N_IMAGES, "captions": 2 * N_IMAGES}
    assert "fold 4: i2t" in capsys.readouterr().out


@pytest.mark.usefixtures("small_folds")
def test_a_protocol_chooses_the_gallery_that_is_mined(tmp_path, run_main):
    [path] = save_folds(tmp_path, "clip")
    folds = mined_file(run_main, tmp_path, path)["folds"]
    first = mined_file(run_main, tmp_path, path, "--protocol", "1k")
    assert {d: first[d] for d in ("i2t", "t2i")} == {d: folds[0][d] for d in ("i2t", "t2i")}
    assert first["metadata"]["protocol"] == "1k"
    whole = mined_file(run_main, tmp_path, path, "--protocol", "5k")
    assert whole["metadata"]["gallery"]["images"] == N_IMAGES
    assert whole["metadata"]["counts"]["t2i"]["hard"] > 10


@pytest.mark.usefixtures("small_folds")
def test_each_fold_is_sampled(tmp_path, run_main):
    [path] = save_folds(tmp_path, "clip")
    content = mined_file(run_main, tmp_path, path, "--sample", "2")
    assert [len(fold["t2i"]["easy"]) for fold in content["folds"]] == [2] * N_FOLDS
    assert content["metadata"]["counts"]["t2i"]["easy_written"] == 2 * N_FOLDS


def test_a_protocol_of_more_images_than_there_are_is_one_line(tmp_path, run_main):
    split, output = make_split([1] * len(RANKS)), tmp_path / "hard.json"
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "clip" / "test.npz", scores_with_ranks(RANKS), split)
    files = ["--rankings", rankings, "--split_file", tmp_path / "test.json", "--output", output]
    status = run_main(main, *files, "--protocol", "5fold")
    assert_one_clear_line(status, rankings, "protocol 5fold takes 5,000 images", "12 images")
    assert not output.exists()


def test_no_hard_query_is_an_honest_empty_file(tmp_path, run_main, capsys):
    split = make_split([1] * 12)
    write_split(tmp_path / "test.json", split)
    rankings = save_rankings(tmp_path / "test.npz", np.eye(12, dtype=np.float32), split)
    content = mined_file(run_main, tmp_path, rankings)
    assert content["i2t"]["hard"] == content["t2i"]["hard"] == []
    assert content["metadata"]["counts"]["i2t"]["hard"] == 0
    assert "i2t 0 hard, 12 easy" in capsys.readouterr().out
