"""Intervals of resampled images, against scipy's and against what they promise."""

import numpy as np
import pytest
from scipy import stats

from error_analysis.statistics.proportions import wilson_interval
from error_analysis.statistics.resampling import BATCH, drawn_images, interval, total_interval


def of_means(values: np.ndarray, drawn: np.ndarray, bounds=(-np.inf, np.inf)) -> dict:
    """The BCa and the percentile interval of a mean."""
    mean, resampled = values.mean(), drawn @ values / len(values)
    return {
        "bca": interval(mean, resampled, values, bounds),
        "percentile": interval(mean, resampled, np.zeros(len(values)), bounds),
    }


def test_images_are_counted_as_they_were_drawn_over_all_blocks():
    n = BATCH + 7
    found = np.concatenate([*drawn_images(6, np.random.default_rng(1), n)])
    drawn = np.random.default_rng(1).integers(0, 6, (n, 6))
    expected = [[(row == image).sum() for image in range(6)] for row in drawn]
    assert found.tolist() == expected


def test_what_has_no_pulls_has_plain_percentiles():
    resampled = np.random.default_rng(0).normal(size=200)
    found = interval(3.0, resampled, np.zeros(9), (0, 100))
    assert found == pytest.approx(tuple(np.percentile(resampled, (2.5, 97.5))))


def test_resamples_that_all_lie_on_one_side_still_give_an_interval_among_them():
    resampled = np.linspace(1, 2, 50)
    for value in (0.0, 5.0):
        low, high = interval(value, resampled, np.arange(9.0), (-np.inf, np.inf))
        assert 1 <= low <= high <= 2


def test_where_nothing_varies_wilsons_interval_is_kept_within_the_bounds():
    same, share = np.full(30, 50.0), wilson_interval(0, 20)[1]
    reach = 100 * share
    assert interval(50.0, same, np.zeros(20), (0, 100)) == pytest.approx((50 - reach, 50 + reach))
    assert interval(50.0, same, np.zeros(20), (0, 51)) == pytest.approx((50 - 51 * share, 51))
    assert interval(50.0, same, np.zeros(20), (0, np.inf)) == (50, 50)
    # Sums of floats that differ in the last place do not vary.
    assert interval(50.0, same * (1 + 1e-15 * np.arange(30)), np.ones(20), (0, np.inf)) == (50, 50)


def test_a_total_is_that_of_images_drawn_one_by_one_in_each_fold():
    generator = np.random.default_rng(0)
    folds = [generator.integers(0, 4, n) for n in (15, 15)]
    found = total_interval(folds, 1000, np.random.default_rng(2), 40)
    draws = np.random.default_rng(2)
    resampled = sum(
        np.array([fold[drawn].sum() for drawn in draws.integers(0, 15, (40, 15))]) for fold in folds
    )
    centred = np.concatenate([fold - fold.mean() for fold in folds])
    total = sum(fold.sum() for fold in folds)
    assert found == pytest.approx(interval(total, resampled, centred, (0, 1000)))
    assert found[0] < total < found[1]


def test_a_total_of_one_gallery_is_scipys():
    counts = np.random.default_rng(4).integers(0, 4, 50).astype(float)
    expected = stats.bootstrap(
        (counts,), np.sum, n_resamples=200, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    found = total_interval([counts], 1000, np.random.default_rng(1), 200)
    assert found == pytest.approx(tuple(expected))


def test_skewed_means_are_covered_more_often_than_by_percentiles():
    generator = np.random.default_rng(0)
    drawn = np.concatenate([*drawn_images(100, generator, 400)])
    covered = {"bca": 0, "percentile": 0}
    for _ in range(1000):
        # The mean rank of an image's captions: lognormal, of mean exp(2 ** 2 / 2).
        ranks = np.exp(generator.normal(0, 2, 100))
        for name, (low, high) in of_means(ranks, drawn).items():
            covered[name] += low <= np.exp(2) <= high
    assert covered["bca"] > 760
    assert covered["percentile"] + 10 < covered["bca"]


@pytest.mark.parametrize("recall", [0.98, 0.995])
def test_recalls_near_100_are_covered_at_least_as_often_as_promised(recall):
    generator = np.random.default_rng(0)
    drawn = np.concatenate([*drawn_images(100, generator, 400)])
    covered = {"bca": 0, "percentile": 0}
    for _ in range(300):
        found = 100.0 * (generator.random(100) < recall)
        for name, (low, high) in of_means(found, drawn, (0, 100)).items():
            covered[name] += low <= 100 * recall <= high
    assert covered["bca"] > 0.94 * 300
