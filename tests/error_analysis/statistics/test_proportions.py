"""Intervals of shares, against the formula and against what they promise."""

import numpy as np
import pytest

from error_analysis.statistics.proportions import share_with_interval, wilson_interval

Z = 1.959963984540054


@pytest.mark.parametrize(("part", "whole"), [(0, 5), (5, 5), (12, 20), (1, 1000), (235, 259)])
def test_the_bounds_are_those_of_the_formula(part, whole):
    share = part / whole
    centre = (share + Z**2 / (2 * whole)) / (1 + Z**2 / whole)
    half = Z / (1 + Z**2 / whole) * np.sqrt(share * (1 - share) / whole + (Z / (2 * whole)) ** 2)
    np.testing.assert_allclose(
        wilson_interval(part, whole), (centre - half, centre + half), atol=1e-9
    )


def test_a_true_share_is_covered_about_as_often_as_promised():
    parts = np.random.default_rng(0).binomial(200, 0.95, 2000)
    bounds = np.array([wilson_interval(int(part), 200) for part in parts])
    covered = np.mean((bounds[:, 0] <= 0.95) & (bounds[:, 1] >= 0.95))
    assert 0.93 < covered < 0.98


@pytest.mark.parametrize(("part", "whole"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(part, whole):
    with pytest.raises(ValueError, match="is no share"):
        wilson_interval(part, whole)


def test_a_share_is_shown_with_its_interval():
    assert share_with_interval(12, 20) == "12 (60.0 % [38.7, 78.1])"
    assert share_with_interval(0, 0) == "0"
