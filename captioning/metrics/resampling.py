"""95 % intervals of metrics and of differences: percentiles of a bootstrap over images.

BLEU and METEOR of a resample are computed of the resample's own counts, added up. CIDEr-D keeps the
weights of n-grams that all images give: they belong to the set that is evaluated with. An interval
tells how a score varies over the images; nothing of another training with another seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from captioning.metrics.scores import ImageScores

CONFIDENCE = 0.95
N_RESAMPLES = 1000
# Resamples computed at once: their weights of 7,542 images are 3 MB.
BATCH = 50


@dataclass(frozen=True)
class Interval:
    """A metric, or the difference of two systems' metrics, with its 95 % interval."""

    value: float
    low: float
    high: float


def drawn_images(n_images: int, seed: int, n_resamples: int) -> Iterator[np.ndarray]:
    """Yield how often each image is in each resample, in blocks (<= BATCH, n_images) of int64."""
    generator = np.random.default_rng(seed)
    for start in range(0, n_resamples, BATCH):
        n = min(BATCH, n_resamples - start)
        bins = generator.integers(0, n_images, (n, n_images)) + n_images * np.arange(n)[:, None]
        yield np.bincount(bins.ravel(), minlength=n * n_images).reshape(n, n_images)


def resample(
    scores: ImageScores, seed: int, n_resamples: int = N_RESAMPLES
) -> dict[str, np.ndarray]:
    """Return each metric of each resample: (n_resamples,) float64."""
    drawn = drawn_images(scores.n_images, seed, n_resamples)
    blocks = [scores.of_set(weights) for weights in drawn]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def intervals(scores: ImageScores, resampled: dict[str, np.ndarray]) -> dict[str, Interval]:
    """Return each metric with its interval."""
    values = scores.of_set()
    return {name: interval_of(values[name].item(), resampled[name]) for name in values}


def differences(
    first: ImageScores,
    second: ImageScores,
    first_resampled: dict[str, np.ndarray],
    second_resampled: dict[str, np.ndarray],
) -> dict[str, Interval]:
    """Return the first system's metrics less the second's, of those that both have.

    Args:
        first, second: two systems on the same images.
        first_resampled, second_resampled: theirs, of one seed: the k-th resample has the same
            images under both, so that what makes an image hard for both drops out.
    """
    own, other = first.of_set(), second.of_set()
    return {
        name: interval_of(
            (own[name] - other[name]).item(), first_resampled[name] - second_resampled[name]
        )
        for name in own
        if name in other
    }


def interval_of(value: float, resampled: np.ndarray) -> Interval:
    """Return a number with the percentiles of its resamples, (n_resamples,) float64."""
    ends = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    low, high = np.quantile(resampled, ends).tolist()
    return Interval(value, low, high)
