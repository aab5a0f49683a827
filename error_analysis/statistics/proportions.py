"""Shares of queries, with their intervals."""

from scipy import stats


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, in [0, 1], by Wilson's score (Wilson, 1927).

    Unlike a bootstrap's it is not empty at 0 and 1. It takes the queries for independent, which
    captions of one image are not: with several an image it is somewhat too narrow.

    Raises:
        ValueError: `whole` is below 1, or `part` not among 0..`whole`.
    """
    if not 0 <= part <= whole or whole < 1:
        raise ValueError(f"{part} of {whole} is no share")
    found = stats.binomtest(part, whole).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def share_with_interval(part: int, whole: int) -> str:
    """Return "12 (60.0 % [38.7, 78.1])"; the count alone where there is nothing to share."""
    if not whole:
        return f"{part:,}"
    low, high = wilson_interval(part, whole)
    return f"{part:,} ({100 * part / whole:.1f} % [{100 * low:.1f}, {100 * high:.1f}])"
