"""Shares by image: Wilson's where queries are independent, resampled images elsewhere."""

import numpy as np
import pytest

from error_analysis.judging.shares import by_image, share_of
from error_analysis.statistics.proportions import wilson_interval


def test_queries_of_images_of_their_own_have_wilson_s_interval():
    found = share_of([1] * 12 + [0] * 8, [1] * 20, range(20))
    assert found.share == 0.6
    assert (found.low, found.high) == wilson_interval(12, 20)
    assert found.told == "60.0 % [38.7, 78.1]"


def test_few_images_have_as_many_outcomes_as_images():
    found = share_of([1, 1, 0, 0, 1, 0], [1] * 6, [1, 1, 1, 1, 2, 3])
    assert (found.share, found.images) == (0.5, 3)
    assert found.low < 0.25
    assert found.high > 0.75


def test_captions_that_go_together_make_a_wider_interval():
    images = np.repeat(np.arange(40), 5)
    together = (images % 4 == 0).astype(int)
    apart = (np.arange(200) % 4 == 0).astype(int)
    one, other = share_of(together, np.ones(200), images), share_of(apart, np.ones(200), images)
    assert one.share == other.share == 0.25
    low, high = wilson_interval(50, 200)
    assert one.high - one.low > 1.5 * (high - low)
    assert other.high - other.low < high - low


def test_queries_without_a_part_in_the_whole_do_not_count():
    found = share_of([1, 0, 0, 0], [1, 1, 0, 0], [1, 2, 3, 4])
    assert (found.share, found.images) == (0.5, 2)
    assert share_of([0, 0], [0, 0], [1, 2]) is None
    assert share_of([], [], []) is None


def test_all_the_same_is_not_certain():
    images = np.repeat(np.arange(20), 2)
    found = share_of(np.ones(40), np.ones(40), images)
    assert found.high == 1
    assert found.low == pytest.approx(wilson_interval(20, 20)[0])


@pytest.mark.parametrize("share", [0.1, 0.7])
def test_the_truth_is_covered_about_as_often_as_promised(share):
    generator = np.random.default_rng(0)
    covered = []
    for _ in range(150):
        images = np.repeat(np.arange(30), generator.integers(1, 4, 30))
        of_image = (generator.random(30) < share)[images]
        given = np.where(generator.random(len(images)) < 0.5, of_image,
                         generator.random(len(images)) < share)  # fmt: skip
        found = share_of(given, np.ones(len(images)), images)
        covered.append(found.low <= share <= found.high)
    assert np.mean(covered) > 0.9


def test_rows_are_added_up_by_image():
    values = np.array([[1, 2], [3, 4], [5, 6]])
    assert by_image(values, [7, 3, 7]).tolist() == [[3, 4], [6, 8]]
