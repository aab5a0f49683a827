"""Tests of error_analysis/reasons/captions/carelessness.py."""

import math

import numpy as np
import pytest

from error_analysis.reasons.captions.carelessness import log_again


def test_a_slip_makes_slips_in_other_words_likelier_and_not_itself() -> None:
    alone = log_again([-math.inf] * 6)
    beside = log_again([10.0, *[-math.inf] * 5])
    assert beside[1] > alone[1] + 1
    assert beside[0] == pytest.approx(alone[0])


def test_words_without_a_sign_make_a_slip_slightly_less_likely() -> None:
    assert -1 < log_again([-math.inf] * 12)[0] < 0


def test_without_other_words_the_usual_rate_stands() -> None:
    # 0.05 * 0.1 + 0.95 * 0.005 = 0.00975, for one word in a hundred.
    assert log_again([3.0])[0] == pytest.approx(math.log(0.00975 / 0.99025 / (0.01 / 0.99)))
    assert log_again([]) == []


def test_a_thousand_words_and_certain_slips_stay_finite() -> None:
    assert np.isfinite(log_again([1e6, -1e6, *[-math.inf] * 1000])).all()
