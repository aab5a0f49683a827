"""Bounds of ranks, as the filters of the report have them: both included."""

import numpy as np

FINEST = 1e-4  # of the ranks that a page has (see `query_json.number`)


def last_below(end: int, *ranks: np.ndarray) -> float:
    """Return a bound that takes in every rank below `end` and no other: "below 10" as "to 9".

    Ranks are fractional where documents tie, so that 9 would leave out 9.5: then it is 9.9999.

    Args:
        ranks: (n_queries,) float64, the ranks that the bound is for.
    """
    tied = any(((end - 1 < of_model) & (of_model < end)).any() for of_model in ranks)
    return end - FINEST if tied else end - 1
