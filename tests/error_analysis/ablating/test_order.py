"""A stated order of arms, held against means, intervals and seeds."""

import pytest

from error_analysis.ablating.arms import PairMetric
from error_analysis.ablating.order import check_order, order_line, order_steps, verdict
from preprocess.base.errors import InputError
from tests.error_analysis.ablating.small_arms import compared_arms


def difference(value, low, high, separated) -> PairMetric:
    return PairMetric(value, low, high, (value,), separated, None)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (difference(2, 1, 3, True), "holds beyond noise"),
        (difference(2, 1, 3, False), "holds"),  # seeds overlap
        (difference(2, -1, 3, True), "holds"),  # other images might say otherwise
        (difference(2, 1, 3, None), "holds"),  # one seed tells nothing of training
        (difference(0, 0, 0, False), "not"),
        (difference(1e-14, -1, 1, False), "not"),  # sums of floats
        (difference(-2, -5, 1, True), "not"),
        (difference(-2, -3, -1, False), "not"),
        (difference(-2, -3, -1, None), "not"),
        (difference(-2, -3, -1, True), "reversed"),
    ],
)
def test_an_order_holds_beyond_noise_only_where_images_and_seeds_agree(found, said):
    assert verdict(found) == said


def test_neighbours_of_the_order_are_compared_at_each_recall(tmp_path):
    best, middle = ([0] * 12, [0] * 11 + [1]), ([0] * 3 + [2] * 9, [0] * 4 + [2] * 8)
    worst = ([0] + [2] * 11, [0] * 2 + [2] * 10)
    compared = compared_arms(tmp_path, {"best": best, "middle": middle, "worst": worst})
    steps = order_steps(compared, ["best", "middle", "worst"])
    assert [(step.better, step.worse) for step in steps] == [
        ("best", "middle"),
        ("middle", "worst"),
    ]
    assert steps[0].recalls["i2t_r1"] == "holds beyond noise"
    assert steps[0].recalls["i2t_r5"] == "not"  # all are found
    assert order_steps(compared, []) == []


def test_the_line_names_the_recalls_of_each_verdict(tmp_path):
    best, worst = ([0] * 12, [0] * 11 + [1]), ([0] * 3 + [2] * 9, [0] * 4 + [2] * 8)
    [step] = order_steps(compared_arms(tmp_path, {"a": best, "b": worst}), ["a", "b"])
    line = order_line(step, n_seeds=2)
    assert line.startswith("a above b: holds beyond noise (")
    assert "i2t R@1" in line.partition("not (")[0]
    assert "i2t R@5, i2t R@10" in line.partition("not (")[2]
    assert "one seed tells nothing" in order_line(step, n_seeds=1)


@pytest.mark.parametrize("order", [["itc", "cos"], ["itc", "itc"], ["itc"]])
def test_an_order_of_other_arms_or_of_one_is_one_line(order):
    with pytest.raises(InputError, match="two or more arms of itc, cosine, each once"):
        check_order(order, ["itc", "cosine"])
    check_order(["cosine", "itc"], ["itc", "cosine"])
