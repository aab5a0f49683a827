"""Metrics with 95 % intervals: a bootstrap over images, each with all its captions.

The five captions of an image are not independent, so images are drawn, not captions. The gallery
stays as it is: an interval tells how the metric varies over the images and captions asked for, and
nothing about other documents, other seeds of training, or other data sets.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.resampling import N_RESAMPLES, drawn_images, interval
from information_retrieval.ranking.metrics import CUTOFFS, recall_at_k, retrieval_metrics
from information_retrieval.ranking.query_ranks import (
    DIRECTIONS,
    TIE_RULES,
    Direction,
    QueryRanks,
    TieRule,
)
from preprocess.base.errors import InputError

METRICS = (
    *(
        f"{d}_{what}"
        for d in DIRECTIONS
        for what in ("r1", "r5", "r10", "median_rank", "mean_rank")
    ),
    "rsum",
)
# The largest value of each metric; 0 is the smallest.
LARGEST = {
    name: inf if name.endswith("rank") else 600.0 if name == "rsum" else 100.0 for name in METRICS
}


@dataclass(frozen=True)
class Interval:
    """A metric, or the difference of two models' metrics.

    Attributes:
        value: under expected ties; recalls in percent, ranks 0-based.
        low, high: the 95 % interval over images (see `resampling`).
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate(Interval):
    """A metric with what is known of its precision.

    Attributes:
        optimistic, pessimistic: the metric where every tie is broken for, or against, the model.
    """

    optimistic: float
    pessimistic: float


@dataclass(frozen=True)
class Resampled:
    """A model's metrics in the order of `METRICS`, on all images and on resampled ones.

    Attributes:
        values: (n_metrics,) float64.
        resampled: (n_metrics, n_resamples) float64.
        pulls: (n_metrics, n_images) float64, how much each image adds to each metric (see
            `resampling.interval`); 0 of medians, whose values without an image tell too little.
    """

    values: np.ndarray
    resampled: np.ndarray
    pulls: np.ndarray

    def intervals(self, bounds: Mapping[str, tuple[float, float]]) -> dict[str, Interval]:
        """Return each metric with its interval, by name, given the bounds of each."""
        rows = zip(METRICS, self.values.tolist(), self.resampled, self.pulls, strict=True)
        return {
            name: Interval(value, *interval(value, resampled, pulls, bounds[name]))
            for name, value, resampled, pulls in rows
        }


def estimate_metrics(
    galleries: Sequence[ModelRankings], resampled: Resampled
) -> dict[str, Estimate]:
    """Estimate every metric of a model: of one gallery, or the mean over folds.

    Args:
        galleries: one model's galleries of one protocol.
        resampled: the same, resampled.

    Returns:
        by the names of `METRICS`, which are those of `retrieval_metrics`.
    """
    intervals = resampled.intervals({name: (0.0, most) for name, most in LARGEST.items()})
    value = {
        rule: np.mean([_metrics(model, rule) for model in galleries], axis=0) for rule in TIE_RULES
    }
    rows = zip(*(value[rule].tolist() for rule in TIE_RULES), strict=True)
    return {
        name: Estimate(expected, found.low, found.high, optimistic, pessimistic)
        for (name, found), (expected, optimistic, pessimistic) in zip(
            intervals.items(), rows, strict=True
        )
    }


def _metrics(model: ModelRankings, rule: TieRule) -> list[float]:
    metrics = retrieval_metrics(model.rankings.ranks, rule)
    return [metrics[name] for name in METRICS]


def mean_of_runs(runs: Sequence[Resampled]) -> Resampled:
    """Return the mean over several runs of a model, such as seeds, on the same drawn images.

    Args:
        runs: resampled by generators of the same seed, as in `estimate_differences`.
    """
    return Resampled(
        np.mean([run.values for run in runs], axis=0),
        np.mean([run.resampled for run in runs], axis=0),
        np.mean([run.pulls for run in runs], axis=0),
    )


def estimate_differences(first: Resampled, second: Resampled) -> dict[str, Interval]:
    """Return the first model's metrics less the second's, by the names of `METRICS`.

    The intervals are plain percentiles: differences lie about evenly to both sides, and a BCa
    interval, misled by what few long ranks there are, covered the truth less often (0.84 for 0.88
    of differences of mean ranks, 100 images).

    Args:
        first, second: two models on the same images, resampled by generators of the same seed:
            the k-th resample has the same images under both, so that what makes an image hard
            for both models drops out.
    """
    difference = Resampled(
        first.values - second.values,
        first.resampled - second.resampled,
        np.zeros_like(first.pulls),
    )
    return difference.intervals({name: (-most, most) for name, most in LARGEST.items()})


def resample(
    galleries: Sequence[ModelRankings],
    generator: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> Resampled:
    """Compute a model's metrics on query images drawn with replacement.

    The same images are drawn for all metrics, both directions included.

    Args:
        galleries: one gallery, or folds, whose images are drawn apart and metrics averaged.

    Raises:
        InputError: a gallery has fewer than 2 images.
    """
    folds = [_resample_gallery(model, generator, n_resamples) for model in galleries]
    return Resampled(
        np.mean([fold.values for fold in folds], axis=0),
        np.mean([fold.resampled for fold in folds], axis=0),
        np.concatenate([fold.pulls for fold in folds], axis=1),
    )


def _resample_gallery(
    model: ModelRankings, generator: np.random.Generator, n_resamples: int
) -> Resampled:
    n_images = len(model.rankings.image_ids)
    if n_images < 2:
        raise InputError(f"{model.path}: expected at least 2 images to resample, found {n_images}")
    sums = {direction: _image_sums(model, direction) for direction in DIRECTIONS}
    medians = {direction: _median_of_weights(model, direction) for direction in DIRECTIONS}

    def metrics(weights: np.ndarray) -> np.ndarray:
        """Return (n_metrics, n_resamples) of how often each image is in each resample."""
        return _with_rsum([_table(weights @ sums[d], medians[d](weights)) for d in DIRECTIONS])

    values = metrics(np.ones((1, n_images), np.int64))[:, 0]
    resampled = [metrics(weights) for weights in drawn_images(n_images, generator, n_resamples)]
    # Without each image in turn: what is left of the sums.
    without = _with_rsum(
        [_table(sums[d].sum(axis=0) - sums[d], np.zeros(n_images)) for d in DIRECTIONS]
    )
    pulls = (without.mean(axis=1, keepdims=True) - without) * (n_images - 1) / n_images
    return Resampled(values, np.concatenate(resampled, axis=1), pulls)


def estimate_recalls(
    queries: QueryRanks,
    image: np.ndarray,
    cutoffs: Sequence[int],
    generator: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> list[Estimate]:
    """Estimate R@k in percent at each cutoff; no rank needs to be known beyond the largest.

    Args:
        image: (n_queries,) int64, the image that each query is or belongs to; there are 2 or more,
            and each has a query.
    """
    columns = [*(queries.found(k) for k in cutoffs), np.ones(len(image))]
    sums = np.stack([np.bincount(image, column) for column in columns], axis=1)
    n_images = len(sums)

    def recalls(totals: np.ndarray) -> np.ndarray:
        """Return (n_cutoffs, n) of image sums added up, (n, n_cutoffs + 1)."""
        return 100 * (totals[:, :-1] / totals[:, -1:]).T

    drawn = drawn_images(n_images, generator, n_resamples)
    resampled = np.concatenate([recalls(weights @ sums) for weights in drawn], axis=1)
    pulls = -recalls(sums.sum(axis=0) - sums)  # without each image in turn
    estimates = []
    for k, of_cutoff, pull in zip(cutoffs, resampled, pulls, strict=True):
        value, best, worst = (recall_at_k(queries, k, rule) for rule in TIE_RULES)
        ends = interval(value, of_cutoff, pull, (0.0, 100.0))
        estimates.append(Estimate(value, *ends, best, worst))
    return estimates


def _image_sums(model: ModelRankings, direction: Direction) -> np.ndarray:
    """Return of each image's queries what is found at each cutoff, ranks, number: (n_images, 5)."""
    queries = model.query_ranks(direction)
    columns = [queries.found(k) for k in CUTOFFS] + [queries.ranks(), np.ones(len(queries.tied))]
    image = model.image_of_query(direction)
    return np.stack([np.bincount(image, column) for column in columns], axis=1)


def _table(totals: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """Return a direction's metrics, (5, n), of image sums added up, (n, 5), and medians, (n,)."""
    means = totals[:, :-1] / totals[:, -1:]  # (n, 4): three recalls, mean rank
    return np.vstack([100 * means[:, :-1].T, medians, means[:, -1]])


def _with_rsum(directions: Sequence[np.ndarray]) -> np.ndarray:
    """Return all metrics, (n_metrics, n), of those of each direction, (5, n)."""
    rsum = sum(metrics[: len(CUTOFFS)].sum(axis=0) for metrics in directions)
    return np.vstack([*directions, rsum])


def _median_of_weights(
    model: ModelRankings, direction: Direction
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from weights (n_resamples, n_images) to median ranks (n_resamples,)."""
    ranks = model.query_ranks(direction).ranks()
    order = np.argsort(ranks, kind="stable")
    ascending, image_of_rank = ranks[order], model.image_of_query(direction)[order]
    return lambda weights: weighted_median(ascending, weights[:, image_of_rank])


def weighted_median(ascending: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the median of values that occur several times, as numpy defines it.

    Args:
        ascending: (n_values,) float64, in ascending order.
        weights: (n_resamples, n_values) integer, how often each value occurs; not all 0.

    Returns:
        (n_resamples,) float64.
    """
    reached = np.cumsum(weights, axis=1)  # (n_resamples, n_values)
    total = reached[:, -1:]
    middle = [
        ascending[np.count_nonzero(reached <= place, axis=1)]
        for place in ((total - 1) // 2, total // 2)
    ]
    return (middle[0] + middle[1]) / 2
