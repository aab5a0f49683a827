"""How groups of queries differ from all others, with captions of one image taken together.

What is compared is a mean over queries (of found at 10, of a difference between two models, of hard
or not). The five captions of an image are not independent: intervals have the cluster-robust
variance, sums over images of what each adds, and Student's factor, with one degree of freedom less
than images of the group. The test of a difference takes variance and covariance within an image
from all queries, as if the group were no different, so that a rare thing that a group has none of
is no great surprise. Of yes or no, Fisher's exact p-value holds where each image is one query, and
the larger of the two elsewhere; a group that is expected to have fewer than five images with a case
is not asked (p is 1), as few are far from any t. In simulations without any effect, a false
discovery rate of 5 % then came out as 4 to 16 %. An interval around none or all is Wilson's.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from error_analysis.slicing.groups import Groups
from error_analysis.statistics.proportions import wilson_interval

CONFIDENCE = 0.95
# Of fewer images with a case that a group is expected to have, t is far from its distribution.
LEAST_CASES = 5


@dataclass(frozen=True)
class Contrasts:
    """Each group against the rest; all (n_groups,) float64.

    Attributes:
        inside, outside: the means in and outside of the group.
        low, high: the 95 % interval of the mean inside.
        odds_ratio, odds_low, odds_high: of a mean of yes or no, with its 95 % interval; NaN where
            all are one of the two, or values are not yes or no.
        p: two-sided, that inside and outside differ.
    """

    inside: np.ndarray
    outside: np.ndarray
    low: np.ndarray
    high: np.ndarray
    odds_ratio: np.ndarray
    odds_low: np.ndarray
    odds_high: np.ndarray
    p: np.ndarray


def contrast(groups: Groups, values: np.ndarray, yes_or_no: bool) -> Contrasts:
    """Compare the mean of some values, (n_queries,), inside each group with that outside.

    Each group must have two images or more inside and outside.

    Args:
        yes_or_no: values are 1 and 0, shares are compared; else they are numbers of both signs.
    """
    by_image = groups.by_image  # (n_queries, n_images)
    members = sparse.csr_array(groups.members.astype(np.float64))
    n_inside = (members @ by_image).toarray()  # (n_groups, n_images)
    sums_inside = (members.multiply(values[None, :]).tocsr() @ by_image).toarray()
    n_outside = by_image.sum(axis=0)[None, :] - n_inside
    sums_outside = (values @ by_image)[None, :] - sums_inside
    inside, added_inside = _mean(sums_inside, n_inside)
    outside, added_outside = _mean(sums_outside, n_outside)
    n_images = np.count_nonzero(n_inside, axis=1)
    wide = stats.t.ppf((1 + CONFIDENCE) / 2, n_images - 1)
    spread = wide * _deviation(added_inside, n_images)
    low, high = inside - spread, inside + spread
    odds = np.full((3, len(inside)), np.nan)
    none_differ = np.all(np.abs(added_inside) < 1e-12, axis=1)
    least, most = _wilson(n_images)
    if yes_or_no:
        odds = _odds(inside, outside, added_inside, added_outside, wide)
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        low = np.where(inside == 1, least, low)
        high = np.where(inside == 0, most, high)
    else:  # all the same: as far as so many images could hide another one
        low = np.where(none_differ, inside - most, low)
        high = np.where(none_differ, inside + most, high)
    deviation = _pooled_deviation(values, by_image, n_inside, n_outside)
    p = 2 * stats.t.sf(np.abs(inside - outside) / np.maximum(deviation, 1e-12), n_images - 1)
    alone = len(groups.image) == by_image.shape[1]
    if yes_or_no:
        exact = _fisher(members @ values, members.sum(axis=1), values)
        p = exact if alone else np.maximum(p, exact)
    if not (yes_or_no and alone):
        p = np.where(n_images * _share_of_cases(values, by_image) < LEAST_CASES, 1.0, p)
    return Contrasts(inside, outside, low, high, odds[0], odds[1], odds[2], p)


def _share_of_cases(values: np.ndarray, by_image: sparse.csr_array) -> float:
    """Return the share of images with a value, of the rarer kind, other than 0, or than 1."""
    some = (values != 0).astype(np.float64) @ by_image > 0
    others = (values != 1).astype(np.float64) @ by_image > 0
    return float(min(some.mean(), others.mean()))


def _odds(
    inside: np.ndarray,
    outside: np.ndarray,
    added_inside: np.ndarray,
    added_outside: np.ndarray,
    wide: np.ndarray,
) -> np.ndarray:
    """Return the odds ratio and its interval, (3, n_groups); NaN where all are yes, or none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(inside / (1 - inside)) - np.log(outside / (1 - outside))
        added = added_inside / (inside * (1 - inside))[:, None]
        added = added - added_outside / (outside * (1 - outside))[:, None]
        margin = wide * _deviation(added, np.count_nonzero(added, axis=1))
        odds = np.exp(np.stack([ratio, ratio - margin, ratio + margin]))
    odds[:, ~np.isfinite(ratio)] = np.nan
    return odds


def _wilson(n_images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower bound of all, and the upper one of none, of so many images."""
    bounds = {n: wilson_interval(0, n)[1] for n in np.unique(n_images).tolist()}
    most = np.array([bounds[n] for n in n_images.tolist()])
    return 1 - most, most


def _pooled_deviation(
    values: np.ndarray, by_image: sparse.csr_array, n_inside: np.ndarray, n_outside: np.ndarray
) -> np.ndarray:
    """Return the standard deviation of inside less outside, were they no different, (n_groups,)."""
    error = values - values.mean()
    variance = float(error @ error) / len(error)
    sizes = np.asarray(by_image.sum(axis=0))
    n_pairs = float(sizes @ (sizes - 1))
    covariance = ((error @ by_image) ** 2).sum() - error @ error
    covariance = max(0.0, float(covariance) / n_pairs) if n_pairs else 0.0
    inside, outside = n_inside.sum(axis=1), n_outside.sum(axis=1)
    pairs_inside = (n_inside * (n_inside - 1)).sum(axis=1)
    pairs_outside = (n_outside * (n_outside - 1)).sum(axis=1)
    across = (n_inside * n_outside).sum(axis=1)
    spread = variance * (1 / inside + 1 / outside) + covariance * (
        pairs_inside / inside**2 + pairs_outside / outside**2 - 2 * across / (inside * outside)
    )
    return np.sqrt(np.maximum(spread, 0))


def _mean(sums: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each group, and what each image adds to its error, (n_groups, n_images).

    The error is of the ratio of two sums over images, to first order.
    """
    total = counts.sum(axis=1)
    mean = sums.sum(axis=1) / total
    return mean, (sums - mean[:, None] * counts) / total[:, None]


def _deviation(added: np.ndarray, n_images: np.ndarray) -> np.ndarray:
    """Return the standard deviation of a sum of errors of so many images, (n_groups,)."""
    return np.sqrt((added**2).sum(axis=1) * n_images / np.maximum(n_images - 1, 1))


def _fisher(yes: np.ndarray, sizes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return Fisher's exact p-value of each group, (n_groups,): twice the smaller tail."""
    drawn = stats.hypergeom(len(values), int(values.sum()), sizes.astype(int))
    tails = np.minimum(drawn.cdf(yes), drawn.sf(yes - 1))
    return np.minimum(1.0, 2 * tails)
