"""How often captions find their image: R@1, 5 and 10 and the median rank, with intervals.

Intervals are percentiles of a bootstrap over images, each with all its captions, in a gallery that
stays as it is. Ranks are 0-based, and recalls are percent; of ties both are the mean over their
orders (information_retrieval/ranking/query_ranks.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from captioning.metrics.resampling import N_RESAMPLES, Interval, drawn_images, interval_of
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.rankings import Rankings

MEDIAN = "median_rank"
NAMES = (*(f"r{k}" for k in CUTOFFS), MEDIAN)


@dataclass(frozen=True)
class ImageRecalls:
    """What captions of a gallery retrieve, on all images and on resampled ones.

    Attributes:
        values: by the names of `NAMES`.
        resampled: by the same, (n_resamples,) float64.
    """

    values: Mapping[str, float]
    resampled: Mapping[str, np.ndarray]

    def intervals(self) -> dict[str, Interval]:
        """Return each number with its interval."""
        return {name: interval_of(self.values[name], self.resampled[name]) for name in NAMES}

    def less(self, other: "ImageRecalls") -> dict[str, Interval]:
        """Return these numbers less those of other captions of the same images.

        Args:
            other: resampled by the same seed, so that what makes an image hard for both drops out.
        """
        return {
            name: interval_of(
                self.values[name] - other.values[name],
                self.resampled[name] - other.resampled[name],
            )
            for name in NAMES
        }


def image_recalls(rankings: Rankings, seed: int, n_resamples: int = N_RESAMPLES) -> ImageRecalls:
    """Return how often the captions of a gallery, 1..n an image, find their image."""
    queries, image = rankings.ranks.t2i, rankings.caption_image_index
    n_images, ranks = len(rankings.image_ids), queries.ranks()
    columns = [queries.found(k) for k in CUTOFFS] + [np.ones(len(ranks))]
    sums = np.stack([np.bincount(image, column, n_images) for column in columns], axis=1)

    def numbers(weights: np.ndarray) -> np.ndarray:
        """Return (n_sets, n_names) of how often each image is in each set, (n_sets, n_images)."""
        totals = weights @ sums  # (n_sets, n_cutoffs + 1)
        medians = [np.median(np.repeat(ranks, times[image])) for times in weights]
        return np.column_stack([100 * totals[:, :-1] / totals[:, -1:], medians])

    resampled = [numbers(weights) for weights in drawn_images(n_images, seed, n_resamples)]
    [values] = numbers(np.ones((1, n_images), np.int64)).tolist()
    by_name = zip(NAMES, np.concatenate(resampled).T, strict=True)
    return ImageRecalls(dict(zip(NAMES, values, strict=True)), dict(by_name))


def of_one_sentence(n_images: int) -> dict[str, float]:
    """Return what one sentence for all images retrieves, whatever it says and whoever ranks.

    It orders the images in one way for all, so that each rank is had by one image: what chance has,
    k / n_images at k. Equal scores change nothing in the mean over their orders.
    """
    recalls = {f"r{k}": 100 * min(1.0, k / n_images) for k in CUTOFFS}
    return {**recalls, MEDIAN: (n_images - 1) / 2}
