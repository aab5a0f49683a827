"""Means, noise and differences of arms, held against counts by hand and a plain resampling."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from error_analysis.ablating.arms import MEASURED, RECALLS, chance_of_separation, compare_arms
from error_analysis.statistics.assessment import assess
from error_analysis.statistics.bootstrap import Interval
from error_analysis.statistics.multiple_tests import holm
from error_analysis.statistics.paired_tests import sign_flip_p
from error_analysis.statistics.resampling import drawn_images
from tests.error_analysis.ablating.small_arms import (
    ARMS,
    GOOD,
    N_IMAGES,
    POOR,
    QUICK,
    compared_arms,
    gallery_of_arms,
    share,
)
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks


@pytest.fixture
def compared(tmp_path):
    return compared_arms(tmp_path)


def test_an_arm_has_the_mean_and_the_deviation_of_its_seeds(compared):
    r1 = compared.arms["good"]["i2t_r1"]
    assert r1.seeds == (75, 50)
    assert r1.value == 62.5
    assert r1.sd == pytest.approx(sqrt(2 * 12.5**2))  # n - 1 = 1
    assert compared.arms["poor"]["i2t_r1"].seeds == (25, 50)
    for arm, seeds in ARMS.items():
        for k in (1, 5, 10):
            expected = [share(ranks, k) for ranks in seeds]
            assert compared.arms[arm][f"i2t_r{k}"].seeds == pytest.approx(expected)
    for metrics in compared.arms.values():
        total = sum(metrics[name].value for name in RECALLS)
        assert metrics["rsum"].value == pytest.approx(total)


def test_a_pair_has_the_difference_of_the_means_and_of_each_seed(compared):
    [pair] = compared.pairs
    r1 = pair.metrics["i2t_r1"]
    assert (pair.first, pair.second) == ("good", "poor")
    assert r1.value == pytest.approx(62.5 - 37.5)
    assert r1.seeds == (50, 0)
    # Both arms have 25 points between their two seeds.
    assert r1.in_sds == pytest.approx(25 / sqrt(2 * 12.5**2))


def test_arms_are_separated_where_the_worst_seed_of_one_is_above_the_best_of_the_other(tmp_path):
    good, poor = ([0] * 9 + [1] * 3, [0] * 8 + [1] * 4), ([0] * 7 + [1] * 5, [0] * 2 + [1] * 10)
    [pair] = compared_arms(tmp_path / "a", {"poor": poor, "good": good}).pairs
    assert pair.metrics["i2t_r1"].separated is True  # whichever is named first
    assert pair.metrics["i2t_r5"].separated is False  # all are 100 %
    [pair] = compared_arms(tmp_path / "b").pairs
    assert pair.metrics["i2t_r1"].separated is False  # 75, 50 and 25, 50


def test_intervals_are_of_the_same_resampled_images_for_all_seeds_and_arms(tmp_path):
    compared = compared_arms(tmp_path)
    generator = np.random.default_rng(QUICK.seed)
    weights = np.concatenate(list(drawn_images(N_IMAGES, generator, QUICK.n_resamples)))

    def resampled(seeds) -> np.ndarray:
        found = np.mean([np.array(ranks) < 5 for ranks in seeds], axis=0)  # (n_images,)
        return 100 * weights @ found / N_IMAGES

    expected = np.quantile(resampled(GOOD) - resampled(POOR), (0.025, 0.975))
    r5 = compared.pairs[0].metrics["i2t_r5"]
    assert (r5.low, r5.high) == pytest.approx(tuple(expected))
    arm = compared.arms["good"]["i2t_r5"]
    assert resampled(GOOD).min() <= arm.low < arm.value < arm.high <= resampled(GOOD).max()


def test_the_test_by_image_is_of_what_is_found_in_the_mean_over_seeds(tmp_path):
    [pair] = compared_arms(tmp_path).pairs
    difference = np.sum([np.array(g) < 1 for g in GOOD], axis=0) - np.sum(
        [np.array(p) < 1 for p in POOR], axis=0
    )
    # The first of the six tests, from the same generator.
    expected = sign_flip_p(difference / 2, np.random.default_rng(QUICK.seed), 99)
    assert pair.metrics["i2t_r1"].by_image_p == expected


def test_holms_correction_is_for_the_six_recalls_of_all_pairs_of_a_gallery(tmp_path):
    arms = {**ARMS, "third": ([0] * 4 + [9] * 8, [0] * 12)}
    compared = compared_arms(tmp_path, arms)
    names = [(pair.first, pair.second) for pair in compared.pairs]
    assert names == [("good", "poor"), ("good", "third"), ("poor", "third")]
    tests = [pair.metrics[name] for pair in compared.pairs for name in RECALLS]
    assert len(tests) == 18
    assert [t.holm_p for t in tests] == holm([t.by_image_p for t in tests]).tolist()
    for pair in compared.pairs:
        assert (pair.metrics["rsum"].by_image_p, pair.metrics["rsum"].holm_p) == (None, None)


def test_of_one_seed_nothing_is_said_of_the_noise_of_training(tmp_path):
    compared = compared_arms(tmp_path, {"good": GOOD[:1], "poor": POOR[:1]})
    assert compared.arms["good"]["i2t_r1"].sd is None
    [pair] = compared.pairs
    for name in MEASURED:
        assert (pair.metrics[name].separated, pair.metrics[name].in_sds) == (None, None)
    assert pair.metrics["i2t_r1"].value == 50
    assert pair.metrics["i2t_r1"].by_image_p is not None


def test_of_one_seed_the_numbers_are_those_of_significance(tmp_path):
    compared = compared_arms(tmp_path, {"good": GOOD[:1], "poor": POOR[:1]})
    models = [
        make_model(scores_with_ranks(seeds[0]), make_split([1] * N_IMAGES), arm)
        for arm, seeds in ARMS.items()
    ]
    truth = assess([models], QUICK)
    for name in MEASURED:
        for arm in ARMS:
            found, expected = compared.arms[arm][name], truth.estimates[arm][name]
            assert (found.value, found.low, found.high) == (
                expected.value,
                expected.low,
                expected.high,
            )
        difference = compared.pairs[0].metrics[name]
        expected = truth.pairs[0].differences[name]
        assert Interval(difference.value, difference.low, difference.high) == expected
    first = truth.pairs[0].tests["i2t"].recalls
    assert [compared.pairs[0].metrics[f"i2t_r{t.k}"].by_image_p for t in first] == [
        t.by_image_p for t in first
    ]


def test_seeds_that_do_not_differ_have_no_deviation_to_measure_by(tmp_path):
    gallery = gallery_of_arms(tmp_path)
    twice = {arm: (runs[0], runs[0]) for arm, runs in gallery.runs.items()}
    [pair] = compare_arms(replace(gallery, runs=twice), QUICK).pairs
    assert pair.metrics["i2t_r1"].in_sds is None
    assert pair.metrics["i2t_r1"].separated is True


def test_arms_that_are_the_same_do_not_differ(tmp_path):
    gallery = gallery_of_arms(tmp_path)
    same = {"a": gallery.runs["good"], "b": gallery.runs["good"][::-1]}
    [pair] = compare_arms(replace(gallery, runs=same), QUICK).pairs
    for name in MEASURED:
        assert pair.metrics[name].value == pytest.approx(0, abs=1e-9)
        assert pair.metrics[name].separated is False
    assert {pair.metrics[name].by_image_p for name in RECALLS} == {1.0}


def test_one_arm_has_no_pair(tmp_path):
    assert compared_arms(tmp_path, {"good": GOOD}).pairs == ()


def test_chance_separates_two_arms_of_three_seeds_once_in_twenty():
    assert [chance_of_separation(n) for n in (1, 2, 3, 5)] == [2, 6, 20, 252]
    generator = np.random.default_rng(0)
    first, second = generator.random((2, 20_000, 3))
    share_above = np.mean(first.min(axis=1) > second.max(axis=1))
    assert share_above == pytest.approx(1 / 20, abs=0.005)
