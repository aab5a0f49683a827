"""A sweep as a table and a figure: collapsed and failed settings are seen."""

import json

import pytest

from captioning.results.caption_counts import count_captions
from captioning.training.sweep_figure import sweep_figure
from captioning.training.sweep_grid import Point
from captioning.training.sweep_table import SCORED, PointResult, sweep_table


def result(point: Point, captions: list[str], cider: float) -> PointResult:
    counts = count_captions(range(len(captions)), captions)
    scores = {**dict.fromkeys(SCORED, 0.25), "CIDEr": cider}
    low = {f"{name}_low": value - 0.01 for name, value in scores.items()}
    high = {f"{name}_high": value + 0.02 for name, value in scores.items()}
    metrics = {**scores, **low, **high, "cut_share": 0.5}
    return PointResult(point, metrics, counts, epoch=1.0)


RESULTS = [
    result(Point(32, 0.001, 1), [f"a dog {n}" for n in range(300)], 0.5),
    result(Point(64, 0.001, 1), ["a dog"] * 299 + ["a cat"], 0.067),
    result(Point(32, 0.01, 1), ["a person holding a can"] * 300, 0.067),
    PointResult(Point(32, 0.05, 1), failed="training has diverged"),
]


def test_collapsed_settings_are_marked_and_failed_ones_have_their_reason():
    first, second, third, failed, constant = sweep_table(
        RESULTS, "a dog on a road", dict.fromkeys(SCORED, 0.1)
    ).splitlines()[2:]
    assert "collapsed" not in first
    assert "| 300 of 300 |" in first
    assert "| 0.250 [0.240, 0.270] | 0.500 [0.490, 0.520] |" in first
    assert "| 2 of 300 **collapsed** |" in second
    assert "'a person holding a can' (100%)" in third
    assert failed == "| 32 | 0.05 | 1 | failed: training has diverged |"
    assert constant.startswith("| constant | ")
    assert constant.endswith("'a dog on a road' |")


def test_results_are_json():
    content = json.loads(json.dumps([one.to_json() for one in RESULTS]))
    assert [one["is_collapsed"] for one in content] == [False, True, True, False]
    assert content[0]["batch_size"] == 32
    assert content[0]["metrics"]["CIDEr"] == 0.5
    assert content[3]["failed"] == "training has diverged"


def test_two_captions_that_are_all_are_no_collapse():
    assert not result(Point(32, 0.001, 1), ["a dog", "a cat"], 1.0).is_collapsed
    assert result(Point(32, 0.001, 1), ["a dog", "a dog"], 1.0).is_collapsed


def test_the_figure_has_a_panel_for_each_value_that_varies(tmp_path):
    figure = sweep_figure(RESULTS, constant_cider=0.1)
    by_batch, by_rate = (axes for axes in figure.axes if axes.get_xlabel())
    assert [text.get_text() for text in by_batch.get_xticklabels()] == ["32", "64"]
    assert by_batch.lines[0].get_ydata().tolist() == [0.5, 0.067]
    assert [text.get_text() for text in by_rate.get_xticklabels()] == ["0.001", "0.01", "0.05"]
    distinct = [
        axes.lines[0].get_ydata().tolist() for axes in figure.axes if axes.get_yscale() != "linear"
    ]
    assert distinct[0] == [300, 2]
    assert distinct[1][:2] == [300, 1]
    figure.savefig(tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 1000


@pytest.mark.parametrize("results", [RESULTS[:1], RESULTS[2:]])
def test_one_setting_alone_is_drawn_too(results, tmp_path):
    sweep_figure(results, 0.1).savefig(tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 1000
