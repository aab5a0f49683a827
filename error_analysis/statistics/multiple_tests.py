"""p-values corrected for how many tests were looked at: one of many is small by chance alone."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p-values of a family of tests, corrected by Holm (1979), (n_tests,) float64.

    Below 0.05, they hold all at once: the chance that any of them is false is at most 5 %,
    however the tests depend on each other. The smallest is multiplied by the number of tests, the
    next by one less, and so on; none becomes smaller than one before it, or larger than 1.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return corrected


def benjamini_hochberg(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p-values corrected by Benjamini and Hochberg (1995), (n_tests,) float64.

    Of those below 0.05, at most 5 % are false in the mean, if the tests do not oppose each other:
    weaker than Holm's, for the many tests of a search.
    """
    return stats.false_discovery_control(np.asarray(p_values, np.float64), method="bh")
