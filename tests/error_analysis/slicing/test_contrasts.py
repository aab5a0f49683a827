"""Contrasts against plain loops, and against what chance gives."""

import numpy as np
import pytest
from scipy import sparse, stats

from error_analysis.slicing.contrasts import contrast
from error_analysis.slicing.groups import Groups

YES, NUMBERS = True, False


def groups_of(members: np.ndarray, image: np.ndarray) -> Groups:
    names = tuple(map(str, range(len(members))))
    return Groups(("words",) * len(members), names, sparse.csr_array(members), image)


def test_means_and_odds_are_those_of_a_plain_count():
    image = np.arange(8)
    inside = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    values = np.array([1, 1, 1, 0, 1, 0, 0, 0], float)
    found = contrast(groups_of(inside[None], image), values, YES)
    assert (found.inside[0], found.outside[0]) == (0.75, 0.25)
    assert found.odds_ratio[0] == pytest.approx(9)
    assert found.p[0] == pytest.approx(stats.fisher_exact([[3, 1], [1, 3]]).pvalue)
    assert found.low[0] < 0.75 < found.high[0] <= 1
    assert found.odds_low[0] < 9 < found.odds_high[0]


def test_the_interval_is_that_of_a_ratio_of_sums_over_images():
    generator = np.random.default_rng(0)
    image = np.repeat(np.arange(40), generator.integers(1, 5, 40))
    values = generator.normal(size=len(image)) + generator.normal(size=40)[image]
    inside = image % 3 == 0
    found = contrast(groups_of(inside[None], image), values, NUMBERS)
    of_images = [values[image == i] for i in range(0, 40, 3)]
    total = sum(map(len, of_images))
    mean = sum(v.sum() for v in of_images) / total
    squares = sum((v.sum() - mean * len(v)) ** 2 for v in of_images)
    n = len(of_images)
    margin = stats.t.ppf(0.975, n - 1) * np.sqrt(squares * n / (n - 1)) / total
    assert found.inside[0] == pytest.approx(mean)
    assert (found.low[0], found.high[0]) == pytest.approx((mean - margin, mean + margin))


@pytest.mark.parametrize("rate", [0.03, 0.3])
def test_chance_alone_is_called_different_no_oftener_than_said(rate):
    # Captions of one image go together, and so do groups: every image is in or out as a whole.
    generator = np.random.default_rng(1)
    image = np.repeat(np.arange(400), 5)
    members = generator.random((300, 400)) < 0.1
    odd = generator.random(400) < rate
    values = np.where(generator.random(2000) < 0.8, odd[image], generator.random(2000) < rate)
    found = contrast(groups_of(members[:, image], image), values.astype(float), YES)
    assert np.mean(found.p < 0.05) < 0.09
    assert np.mean(found.p < 0.5) < 0.6


def test_none_of_a_rare_thing_is_no_surprise_and_has_wilson_s_interval():
    image = np.repeat(np.arange(200), 5)
    values = np.zeros(1000)
    values[500:510] = 1
    inside = image < 10
    found = contrast(groups_of(inside[None], image), values, YES)
    assert found.inside[0] == 0
    assert found.p[0] > 0.4
    assert found.low[0] == pytest.approx(0, abs=1e-12)
    assert found.high[0] == pytest.approx(
        stats.binomtest(0, 10).proportion_ci(method="wilson").high
    )
    assert np.isnan(found.odds_ratio[0])


def test_the_same_everywhere_is_no_difference():
    image = np.repeat(np.arange(20), 2)
    found = contrast(groups_of((image < 5)[None], image), np.full(40, 0.5), NUMBERS)
    assert found.p[0] == 1


def test_the_order_of_two_models_only_turns_the_sign():
    generator = np.random.default_rng(2)
    values = (generator.random(60) < 0.3).astype(float)  # the first model is never worse
    groups = groups_of((np.arange(60) < 20)[None], np.arange(60))
    one, other = contrast(groups, values, NUMBERS), contrast(groups, -values, NUMBERS)
    assert one.p[0] == pytest.approx(other.p[0])
    assert (one.low[0], one.high[0]) == pytest.approx((-other.high[0], -other.low[0]))
    assert np.isnan([one.odds_ratio[0], other.odds_ratio[0]]).all()


def test_no_difference_in_ten_images_is_no_certainty():
    values = np.zeros(40)
    values[20:24] = 1, -1, 1, 1
    found = contrast(groups_of((np.arange(40) < 10)[None], np.arange(40)), values, NUMBERS)
    most = stats.binomtest(0, 10).proportion_ci(method="wilson").high
    assert (found.low[0], found.high[0]) == pytest.approx((-most, most))


@pytest.mark.parametrize("rate", [0.005, 0.05])
def test_groups_without_effect_are_seldom_found(rate):
    generator = np.random.default_rng(3)
    image, n_found = np.repeat(np.arange(1000), 5), 0
    for _ in range(20):
        members = generator.random((100, 1000)) < generator.choice([0.01, 0.1], (100, 1))
        odd = generator.beta(rate * 2, (1 - rate) * 2, 1000)
        values = (generator.random(5000) < odd[image]).astype(float)
        p = contrast(groups_of(members[:, image], image), values, YES).p
        n_found += bool((stats.false_discovery_control(p) < 0.05).any())
    assert n_found <= 4
