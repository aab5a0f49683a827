"""Metrics with 95 % intervals: a bootstrap over images, each with all its captions.

The five captions of an image are not independent, so images are drawn, not captions. The gallery
stays as it is: an interval tells how the metric varies over the images and captions asked for, and
nothing about other documents, other seeds of training, or other data sets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.metrics import CUTOFFS, retrieval_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS, TIE_RULES, Direction, TieRule
from preprocess.base.errors import InputError

CONFIDENCE = 0.95
N_RESAMPLES = 1000
# Resamples computed at once: their weights of 25,000 captions are 10 MB.
BATCH = 50
METRICS = (
    *(
        f"{d}_{what}"
        for d in DIRECTIONS
        for what in ("r1", "r5", "r10", "median_rank", "mean_rank")
    ),
    "rsum",
)


@dataclass(frozen=True)
class Estimate:
    """A metric with what is known of its precision.

    Attributes:
        value: under expected ties; recalls in percent, ranks 0-based.
        low, high: the 95 % interval, from the percentiles of the resampled values.
        optimistic, pessimistic: the metric where every tie is broken for, or against, the model.
    """

    value: float
    low: float
    high: float
    optimistic: float
    pessimistic: float


def image_of_query(model: ModelRankings, direction: Direction) -> np.ndarray:
    """Return the row of the image that each query is or belongs to, (n_queries,) int64."""
    if direction == "i2t":
        return np.arange(len(model.rankings.image_ids))
    return model.rankings.caption_image_index


def estimate_metrics(
    galleries: Sequence[ModelRankings],
    generator: np.random.Generator,
    n_resamples: int = N_RESAMPLES,
) -> dict[str, Estimate]:
    """Estimate every metric of a model: of one gallery, or the mean over folds.

    Args:
        galleries: one model's galleries of one protocol. Each fold's images are resampled apart.

    Returns:
        by the names of `METRICS`, which are those of `retrieval_metrics`.

    Raises:
        InputError: a gallery has fewer than 2 images.
    """
    resampled = np.mean([resample(model, generator, n_resamples) for model in galleries], axis=0)
    margin = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(resampled, (margin, 100 - margin), axis=1)  # (n_metrics,) each
    value = {
        rule: np.mean([_metrics(model, rule) for model in galleries], axis=0) for rule in TIE_RULES
    }
    columns = (value["expected"], low, high, value["optimistic"], value["pessimistic"])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {name: Estimate(*row) for name, row in zip(METRICS, rows, strict=True)}


def _metrics(model: ModelRankings, rule: TieRule) -> list[float]:
    metrics = retrieval_metrics(model.rankings.ranks, rule)
    return [metrics[name] for name in METRICS]


def resample(
    model: ModelRankings, generator: np.random.Generator, n_resamples: int = N_RESAMPLES
) -> np.ndarray:
    """Return the metrics of galleries whose query images were drawn with replacement.

    The same images are drawn for all metrics, both directions included.

    Returns:
        (n_metrics, n_resamples) float64, metrics in the order of `METRICS`.

    Raises:
        InputError: the gallery has fewer than 2 images.
    """
    n_images = len(model.rankings.image_ids)
    if n_images < 2:
        raise InputError(f"{model.path}: expected at least 2 images to resample, found {n_images}")
    functions = [_metrics_of_weights(model, direction) for direction in DIRECTIONS]

    def statistic(drawn: np.ndarray, axis: int) -> np.ndarray:
        weights = _times_drawn(drawn.reshape(-1, n_images))
        values = [function(weights) for function in functions]  # (5, n_resamples) each
        rsum = sum(value[: len(CUTOFFS)].sum(axis=0) for value in values)
        table = np.concatenate([*values, rsum[None]])  # (n_metrics, n_resamples)
        return table if drawn.ndim > 1 else table[:, 0]

    result = stats.bootstrap(
        (np.arange(n_images),),
        statistic,
        n_resamples=n_resamples,
        batch=BATCH,
        vectorized=True,
        method="percentile",
        rng=generator,
    )
    return result.bootstrap_distribution


def _times_drawn(drawn: np.ndarray) -> np.ndarray:
    """Count how often each image is in each resample, (n_resamples, n_images) int64."""
    n_resamples, n_images = drawn.shape
    bins = drawn + n_images * np.arange(n_resamples)[:, None]
    counts = np.bincount(bins.ravel(), minlength=n_resamples * n_images)
    return counts.reshape(n_resamples, n_images)


def _metrics_of_weights(
    model: ModelRankings, direction: Direction
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from weights (n_resamples, n_images) to a direction's five metrics."""
    queries = model.query_ranks(direction)
    ranks, image = queries.ranks(), image_of_query(model, direction)
    columns = (*(queries.found(k) for k in CUTOFFS), ranks, np.ones(len(ranks)))
    sums = np.stack([np.bincount(image, column) for column in columns], axis=1)  # (n_images, 5)
    order = np.argsort(ranks, kind="stable")
    ascending, image_of_rank = ranks[order], image[order]

    def metrics(weights: np.ndarray) -> np.ndarray:
        totals = weights @ sums  # (n_resamples, 5)
        means = totals[:, :-1] / totals[:, -1:]  # (n_resamples, 4): three recalls, mean rank
        median = weighted_median(ascending, weights[:, image_of_rank])
        return np.vstack([100 * means[:, :-1].T, median, means[:, -1]])

    return metrics


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
