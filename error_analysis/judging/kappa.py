"""Cohen's kappa of two judges on one tag (Cohen, 1960), with its 95 % interval by image.

Kappa is how far two judges agree beyond what they would by chance, each giving the tag as often as
he or she did: 1 is always, 0 is as by chance. Where neither gave the tag at all, or both gave it to
all, chance alone agrees always, and there is no kappa. Images are drawn with replacement, each with
its queries; a tag that few images have, or lack, is not in all resamples, and has no interval. In
simulations of 20 to 150 images, 0.93 to 0.99 of the intervals had the true kappa.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import cohen_kappa_score

from error_analysis.judging.shares import LEAST_IMAGES, by_image
from error_analysis.statistics.proportions import wilson_interval
from error_analysis.statistics.resampling import N_RESAMPLES, drawn_images, interval

# Where 5 images have a tag, or lack it, 1 resample in 150 has none of them; of fewer, more.
LEAST_CASES = 5


@dataclass(frozen=True, slots=True)
class Kappa:
    """Kappa, in [-1, 1], with its interval; None, and why, where there is none of either."""

    kappa: float | None
    low: float | None = None
    high: float | None = None
    why: str | None = None

    @property
    def told(self) -> str:
        """Kappa as text: "0.61 [0.34, 0.82]", "0.61 (why no interval)" or "none (why)"."""
        if self.kappa is None:
            return f"none ({self.why})"
        ends = f"({self.why})" if self.low is None else f"[{self.low:z.2f}, {self.high:z.2f}]"
        return f"{self.kappa:z.2f} {ends}"


def kappa_of(first: np.ndarray, second: np.ndarray, images: Sequence[int]) -> Kappa:
    """Return the kappa of two judges.

    Args:
        first, second: (n_queries,) bool, whether each judge gave the tag; one query at least.
        images: (n_queries,) the id of each query's image.
    """
    either = np.concatenate([first, second])
    if not either.any() or either.all():
        return Kappa(None, why="both gave it to all" if either.any() else "neither gave it")
    kappa = float(cohen_kappa_score(first, second, labels=[False, True]))
    columns = np.stack([np.ones(len(first)), first, second, first & second], axis=1)
    sums = by_image(columns, images)  # (n_images, 4)
    n_images = len(sums)
    if n_images < LEAST_IMAGES:
        return Kappa(kappa, why=f"fewer than {LEAST_IMAGES} images")
    given = np.count_nonzero(sums[:, 1] + sums[:, 2])
    lacking = np.count_nonzero(sums[:, 1] + sums[:, 2] < 2 * sums[:, 0])
    if min(given, lacking) < LEAST_CASES:
        rare = "have" if given < lacking else "lack"
        return Kappa(kappa, why=f"fewer than {LEAST_CASES} images {rare} it")
    if np.array_equal(first, second):
        return Kappa(kappa, _low_of_perfect(float(first.mean()), n_images), 1.0)
    return Kappa(kappa, *_resampled_interval(kappa, sums))


def kappas_of_sums(sums: np.ndarray) -> np.ndarray:
    """Return the kappa of each row, (n,); NaN where there is none.

    Args:
        sums: (n, 4): queries, those that the first, the second, and both gave the tag.
    """
    n, first, second, both = sums.T
    observed = (n - first - second + 2 * both) / n
    expected = (first * second + (n - first) * (n - second)) / n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)


def _resampled_interval(kappa: float, sums: np.ndarray) -> tuple[float, float]:
    generator = np.random.default_rng(0)  # always of one seed: the same files give the same
    drawn = [weights @ sums for weights in drawn_images(len(sums), generator, N_RESAMPLES)]
    resampled = kappas_of_sums(np.concatenate(drawn))
    pulls = kappa - kappas_of_sums(sums.sum(axis=0) - sums)  # without each image in turn
    return interval(kappa, resampled[np.isfinite(resampled)], pulls, (-1.0, 1.0))


def _low_of_perfect(rate: float, n_images: int) -> float:
    """Return the lower bound of a kappa of 1, which is the same in all resamples.

    Kappa is 1 less the share of queries that the judges differ on over the share that chance gives,
    2 * rate * (1 - rate). Of so many images without a difference, the former is at most Wilson's.
    """
    most = wilson_interval(0, n_images)[1]
    return max(-1.0, 1 - most / (2 * rate * (1 - rate)))
