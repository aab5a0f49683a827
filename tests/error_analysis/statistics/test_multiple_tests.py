"""Corrections for many tests, against the definition and against what they promise."""

import numpy as np
import pytest

from error_analysis.statistics.multiple_tests import benjamini_hochberg, holm


def rejected_step_by_step(p_values: np.ndarray, level: float) -> set[int]:
    """Holm as it is told: the smallest against level / n, the next against level / (n - 1), ..."""
    rejected: set[int] = set()
    for i in np.argsort(p_values):
        if p_values[i] > level / (len(p_values) - len(rejected)):
            break
        rejected.add(int(i))
    return rejected


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_holm_rejects_what_its_steps_reject(seed, level):
    p = np.random.default_rng(seed).random(12) ** 3
    assert set(np.flatnonzero(holm(p) <= level)) == rejected_step_by_step(p, level)


def test_corrected_p_values_lie_between_the_plain_ones_and_bonferronis():
    p = np.random.default_rng(0).random(30) ** 4
    found, weaker = holm(p), benjamini_hochberg(p)
    assert np.all(p <= weaker)
    assert np.all(weaker <= found + 1e-15)
    assert np.all(found <= np.minimum(1, 30 * p))
    assert np.all(np.diff(found[np.argsort(p)]) >= 0)


def test_equal_p_values_stay_equal_and_one_or_none_is_left_as_it_is():
    assert len(set(holm([0.02, 0.5, 0.02, 0.02]).tolist())) == 2
    assert holm([0.3]).tolist() == benjamini_hochberg([0.3]).tolist() == [0.3]
    assert holm([]).tolist() == benjamini_hochberg([]).tolist() == []


def test_benjamini_hochberg_by_hand():
    found = benjamini_hochberg([0.01, 0.04, 0.03, 0.005])
    assert found.tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])


def test_of_true_hypotheses_holm_rejects_any_in_about_5_of_100_families():
    families = np.random.default_rng(0).random((1000, 10))
    any_rejected = np.mean([holm(p).min() < 0.05 for p in families])
    assert 0.03 < any_rejected < 0.07
    assert np.mean(families.min(axis=1) < 0.05) > 0.35
