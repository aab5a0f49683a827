"""The comparison's noise floor, overlap of hard queries, folds and bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest

from error_analysis.comparison import main
from error_analysis.queries.wins import WinRule
from error_analysis.statistics.proportions import wilson_interval
from error_analysis.statistics.win_counts import count_wins
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
from tests.error_analysis.test_comparison import A, B, N, run_comparison


def test_wins_are_counted_in_both_orders_and_galleries_added_up():
    first = [model_of_ranks(A, "a"), model_of_ranks(B, "b")]
    second = [model_of_ranks([0] * 12, "a"), model_of_ranks([11] + [0] * 11, "b")]
    counted = count_wins([first, second], WinRule())
    assert [(c.better, c.worse, c.counts["i2t"]) for c in counted] == [("a", "b", 3), ("b", "a", 1)]
    for count in counted:
        low, high = count.intervals["i2t"]
        assert 0 <= low < count.counts["i2t"] < high <= N + 12


def test_an_interval_of_wins_is_wider_where_an_images_captions_are_won_together():
    split = make_split([5] * 20)
    own = np.eye(20, dtype=np.float32).repeat(5, axis=1)
    worse = own.copy()
    worse[:, :25] *= -1  # under it, the captions of five images have their image last
    counted = count_wins([[make_model(own, split, "a"), make_model(worse, split, "b")]])[0]
    assert counted.counts["t2i"] == 25
    low, high = counted.intervals["t2i"]
    # Of 20 images with 5 wins each: a standard deviation of 5 * sqrt(20 / 4 * 3 / 4) = 9.7.
    assert 5 <= low <= 15
    assert 40 <= high <= 55


def test_no_win_at_all_may_still_be_a_few_of_other_images():
    models = [model_of_ranks([0] * N, name) for name in "ab"]
    for count in count_wins([models]):
        assert count.counts["i2t"] == 0
        assert count.intervals["i2t"] == pytest.approx((0, N * wilson_interval(0, N)[1]))


@pytest.fixture
def compared(tmp_path, run_main):
    """Two models at tmp_path/{lxmert,clip}/test.npz and two runs; run the command with options."""
    split = make_split([1] * N)
    write_split(tmp_path / "test.json", split)
    for name, ranks in (
        ("lxmert", A),
        ("clip", B),
        ("run0", A),
        ("run1", [*A[:2], 21, 19, 4, *A[5:]]),
    ):
        save_rankings(tmp_path / name / "test.npz", scores_with_ranks(ranks), split)

    def run(*options: str, models: tuple[str, ...] = ("lxmert", "clip")) -> dict | str:
        paths = [tmp_path / name / "test.npz" for name in models]
        files = ["--rankings", *paths, "--split_file", tmp_path / "test.json"]
        output = tmp_path / "wins.json"
        status = run_main(main, *files, "--output", output, *options)
        if status != 0:
            assert not output.exists()
            return status
        return json.loads(output.read_text())

    return run


def test_the_noise_floor_stands_beside_the_counts(compared, tmp_path, capsys):
    runs = [str(tmp_path / f"run{i}" / "test.npz") for i in range(2)]
    metadata = compared("--noise", *runs)["metadata"]
    floor = metadata["noise_floor"]
    assert [run["rankings"] for run in floor["runs"]] == runs
    # 10 -> 21 is not in the top 10, 9 -> 19 is a win of the first, and 25 -> 4 of the second run.
    assert [(c["better"], c["i2t"]) for c in floor["counts"]] == [(runs[0], 1), (runs[1], 1)]
    assert [c["i2t"] for c in metadata["counts"]] == [2, 1]
    low, high = metadata["counts"][0]["wins_interval"]["i2t"]
    assert 0 <= low < 2 < high < N
    assert [model["name"] for model in metadata["models"]] == ["lxmert", "clip"]
    printed = capsys.readouterr().out
    low, high = floor["counts"][0]["wins_interval"]["i2t"]
    shown = f"1 [{low:.0f}, {high:.0f}] image queries"
    assert f"noise floor, {runs[0]} beats {runs[1]}: {shown}" in printed


def test_without_runs_the_noise_floor_is_said_to_be_missing(compared, capsys):
    assert compared()["metadata"]["noise_floor"] is None
    assert "noise floor: not counted" in capsys.readouterr().out


def test_the_overlap_of_the_hard_queries_is_written_and_printed(compared, capsys):
    metadata = compared()["metadata"]
    overlap = metadata["hard_overlap"]["i2t"]
    # Hard under A: 102 and 104; under B: 100, 102 and 103.
    assert overlap["hard"] == {"lxmert": 2, "clip": 3}
    assert overlap["combinations"] == [
        {"hard_for": [], "queries": N - 4},
        {"hard_for": ["clip"], "queries": 2},
        {"hard_for": ["lxmert"], "queries": 1},
        {"hard_for": ["lxmert", "clip"], "queries": 1},
    ]
    assert overlap["jaccard"] == [{"models": ["lxmert", "clip"], "value": 0.25}]
    printed = capsys.readouterr().out
    assert "i2t: Jaccard of lxmert and clip: 0.25" in printed
    assert "i2t: hard (rank >= 10) for lxmert alone: 1 of" in printed
    assert "beats: better rank < 10 and worse rank - better rank >= 10" in printed
    other = compared("--hard_rank", "26")["metadata"]["hard_overlap"]["i2t"]
    assert other["hard"] == {"lxmert": 0, "clip": 1}


def test_models_without_hard_queries_or_wins_make_an_honest_empty_file(tmp_path, run_main):
    split = make_split([1] * N)
    write_split(tmp_path / "test.json", split)
    paths = [save_rankings(tmp_path / n / "t.npz", scores_with_ranks([0] * N), split) for n in "ab"]
    files = ["--rankings", *paths, "--split_file", tmp_path / "test.json"]
    assert run_main(main, *files, "--output", tmp_path / "wins.json", "--noise", *paths) == 0
    content = json.loads((tmp_path / "wins.json").read_text())
    assert [order["i2t"] for order in content["comparisons"]] == [[], []]
    assert content["metadata"]["hard_overlap"]["i2t"]["jaccard"][0]["value"] is None
    assert [c["i2t"] for c in content["metadata"]["noise_floor"]["counts"]] == [0, 0]


@pytest.mark.usefixtures("small_folds")
def test_folds_are_compared_each_as_a_gallery_and_added_up(tmp_path, monkeypatch):
    paths = save_folds(tmp_path, "lxmert", "clip")
    noise = ["--noise", *map(str, paths)]
    content = run_comparison(monkeypatch, tmp_path, paths, "--margin", "2", *noise)
    assert list(content) == ["folds", "metadata", "sha256"]
    assert [fold["metadata"]["fold"] for fold in content["folds"]] == list(range(N_FOLDS))
    for i, fold in enumerate(content["folds"]):
        images = set(range(100 + FOLD * i, 100 + FOLD * (i + 1)))
        for order in fold["comparisons"]:
            counts = next(c for c in fold["metadata"]["counts"] if c["better"] == order["better"])
            assert counts["t2i"] == len(order["t2i"])
            assert {entry["image_id"] for entry in order["t2i"]} <= images
    total = content["metadata"]["counts"]
    for position, counts in enumerate(total):
        of_folds = [fold["metadata"]["counts"][position]["t2i"] for fold in content["folds"]]
        assert counts["t2i"] == sum(of_folds) > 0
    floor = content["metadata"]["noise_floor"]
    assert [c["t2i"] for c in floor["counts"]] == [c["t2i"] for c in total]
    assert content["metadata"]["hard_overlap"]["i2t"]["queries"] == N_IMAGES
    assert content["metadata"]["models"][0]["gallery"]["images"] == N_IMAGES

    one = run_comparison(monkeypatch, tmp_path, paths, "--margin", "2", "--protocol", "1k")
    assert one["comparisons"] == content["folds"][0]["comparisons"]


@pytest.mark.parametrize("noise", [["a.npz"], ["a.npz", "a.npz"], ["a.npz", "b.npz", "c.npz"]])
def test_noise_is_of_two_different_files(compared, noise):
    assert_one_clear_line(compared("--noise", *noise), "--noise: expected two files", noise[0])


def test_a_hard_rank_below_1_is_one_line(compared):
    assert_one_clear_line(compared("--hard_rank", "0"), "--hard_rank: expected at least 1, found 0")


def test_one_model_is_one_line(compared):
    status = compared(models=("lxmert",))
    assert_one_clear_line(status, "--rankings: expected at least 2 files to compare, found 1")


def test_rankings_of_different_splits_are_one_line(compared, tmp_path):
    other = make_split([1] * N, "another {}")
    path = save_rankings(tmp_path / "other" / "test.npz", scores_with_ranks(A), other)
    status = compared(models=("lxmert", "other"))
    assert_one_clear_line(status, path, "another split", "give the split file")


def test_runs_for_the_noise_floor_of_another_gallery_are_one_line(compared, tmp_path):
    split = make_split([1] * N)
    part = save_rankings(
        tmp_path / "part" / "test.npz",
        scores_with_ranks([0] * (N - 1)),
        split.first(N - 1),
        split_sha256=split.sha256,
    )
    status = compared("--noise", str(part), str(tmp_path / "run0" / "test.npz"))
    assert_one_clear_line(status, part, "expected the gallery of", f"without image {100 + N - 1}")


def test_scores_with_captions_as_rows_are_one_line(compared, tmp_path):
    path = tmp_path / "clip" / "test.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, "logits": arrays["logits"].T})
    assert_one_clear_line(compared(), path, "i2t_ranks are not those of its logits")


def test_images_in_another_order_are_one_line(compared, tmp_path):
    split, order = make_split([1] * N), [1, 0, *range(2, N)]
    turned = replace(split, images=tuple(split.images[i] for i in order))
    scores = scores_with_ranks(A)[np.ix_(order, order)]
    path = save_rankings(
        tmp_path / "turned" / "test.npz", scores, turned, split_sha256=split.sha256
    )
    status = compared(models=("lxmert", "turned"))
    assert_one_clear_line(status, path, "found another image_ids", "one split file")
