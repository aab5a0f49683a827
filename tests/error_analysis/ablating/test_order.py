"""A stated order of arms, held against means, intervals and seeds."""

import pytest

from error_analysis.ablating.arms import PairMetric
from error_analysis.ablating.order import check_order, order_line, order_steps, verdict
from preprocess.base.errors import InputError
from tests.error_analysis.ablating.small_arms import compared_arms


def difference(value, low, high, separated, n_seeds=3) -> PairMetric:
    return PairMetric(value, low, high, (value,) * n_seeds, separated, None)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (difference(2, 1, 3, True), "holds beyond noise"),
        (difference(2, 1, 3, False), "holds"),  # seeds overlap
        (difference(2, -1, 3, True), "holds"),  # other images might say otherwise
        (difference(2, 1, 3, None, 1), "holds"),  # one seed tells nothing of training
        (difference(2, 1, 3, True, 2), "holds"),  # chance alone separates two once in six
        (difference(0, 0, 0, False), "not"),
        (difference(1e-14, -1, 1, False), "not"),  # sums of floats
        (difference(-2, -5, 1, True), "not"),
        (difference(-2, -3, -1, False), "not"),
        (difference(-2, -3, -1, None, 1), "not"),
        (difference(-2, -3, -1, True, 2), "not"),
        (difference(-2, -3, -1, True), "reversed"),
    ],
)
def test_an_order_holds_beyond_noise_only_where_images_and_seeds_agree(found, said):
    assert verdict(found) == said


def test_neighbours_of_the_order_are_compared_at_each_recall(tmp_path):
    best = ([0] * 12, [0] * 11 + [1], [0] * 11 + [2])
    middle = ([0] * 3 + [2] * 9, [0] * 4 + [2] * 8, [0] * 5 + [2] * 7)
    worst = ([0] + [2] * 11, [0] * 2 + [2] * 10, [2] * 12)
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
    best = ([0] * 12, [0] * 11 + [1], [0] * 11 + [2])
    worst = ([0] * 3 + [2] * 9, [0] * 4 + [2] * 8, [0] * 5 + [2] * 7)
    [step] = order_steps(compared_arms(tmp_path, {"a": best, "b": worst}), ["a", "b"])
    line = order_line(step, n_seeds=3)
    assert line.startswith("a above b: holds beyond noise (")
    assert "i2t R@1" in line.partition("not (")[0]
    assert "i2t R@5, i2t R@10" in line.partition("not (")[2]
    assert "seeds" not in line
    assert "3 seeds at least tell noise, not 1" in order_line(step, n_seeds=1)


@pytest.mark.parametrize("order", [["itc", "cos"], ["itc", "itc"], ["itc"]])
def test_an_order_of_other_arms_or_of_one_is_one_line(order):
    with pytest.raises(InputError, match="two or more arms of itc, cosine, each once"):
        check_order(order, ["itc", "cosine"])
    check_order(["cosine", "itc"], ["itc", "cosine"])
