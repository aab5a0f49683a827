"""What is known of arms that were trained with several seeds, and of each two of them.

Two kinds of chance are told apart. That of the images: had others been photographed, recalls would
be a little different; the intervals, and the tests by image, are of it. That of training: the same
arm with another seed gives another model; the standard deviation over seeds, and whether all seeds
of one arm lie above all of the other ("separated"), are of it. An interval of a mean over seeds
takes the seeds as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, sqrt

import numpy as np

from error_analysis.ablating.runs import ArmGallery, Run
from error_analysis.statistics.assessment import Sampling
from error_analysis.statistics.bootstrap import (
    LARGEST,
    METRICS,
    Interval,
    estimate_differences,
    mean_of_runs,
)
from error_analysis.statistics.multiple_tests import holm
from error_analysis.statistics.paired_tests import sign_flip_ps
from error_analysis.statistics.resampling import SAME
from information_retrieval.ranking.published import RECALLS

MEASURED = (*RECALLS, "rsum")


@dataclass(frozen=True)
class ArmMetric(Interval):
    """A metric of an arm: the mean over its seeds, with the 95 % interval over images.

    Attributes:
        seeds: of each seed.
        sd: the standard deviation over seeds, n - 1 in its denominator; None of one seed.
    """

    seeds: tuple[float, ...]
    sd: float | None


@dataclass(frozen=True)
class PairMetric(Interval):
    """The first arm's mean of a metric less the second's, with the 95 % interval over images.

    Attributes:
        seeds: the difference, seed by seed.
        separated: whether all seeds of one arm lie above all of the other; None of one seed.
        in_sds: the difference in standard deviations over seeds, of both arms pooled; None of one
            seed, or where no seed differs.
        by_image_p: of the permutation test by image (see `paired_tests`) on what is found in the
            mean over seeds; None of rsum.
        holm_p: the same, corrected for all tests of the gallery.
    """

    seeds: tuple[float, ...]
    separated: bool | None
    in_sds: float | None
    by_image_p: float | None = None
    holm_p: float | None = None


@dataclass(frozen=True)
class ArmPair:
    """Two arms on a gallery; metrics by the names of `MEASURED`."""

    first: str
    second: str
    metrics: dict[str, PairMetric]


@dataclass(frozen=True)
class ComparedArms:
    """What a gallery tells: metrics by arm and by the names of `MEASURED`, and each two arms."""

    gallery: ArmGallery
    arms: dict[str, dict[str, ArmMetric]]
    pairs: tuple[ArmPair, ...]


def compare_arms(gallery: ArmGallery, sampling: Sampling) -> ComparedArms:
    """Estimate the metrics of each arm of a gallery, and compare each two arms.

    Holm's correction is for all tests of the gallery: of each two arms, six recalls.

    Args:
        sampling: the one that the runs were read with.
    """
    arms = {arm: _metrics_of(runs) for arm, runs in gallery.runs.items()}
    pairs = [
        ArmPair(first, second, _differences(arms[first], arms[second], *runs, sampling))
        for (first, second), runs in zip(
            combinations(gallery.runs, 2), combinations(gallery.runs.values(), 2), strict=True
        )
    ]
    return ComparedArms(gallery, arms, _corrected(pairs))


def chance_of_separation(n_seeds: int) -> int:
    """Return n such that seeds of two equal arms are separated, in a given direction, once in n."""
    return comb(2 * n_seeds, n_seeds)


def _metrics_of(runs: Sequence[Run]) -> dict[str, ArmMetric]:
    mean = mean_of_runs([run.resampled for run in runs])
    intervals = mean.intervals({name: (0.0, most) for name, most in LARGEST.items()})
    found = {}
    for name in MEASURED:
        seeds = tuple(float(run.resampled.values[METRICS.index(name)]) for run in runs)
        sd = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
        found[name] = ArmMetric(**vars(intervals[name]), seeds=seeds, sd=sd)
    return found


def _differences(
    first: Mapping[str, ArmMetric],
    second: Mapping[str, ArmMetric],
    first_runs: Sequence[Run],
    second_runs: Sequence[Run],
    sampling: Sampling,
) -> dict[str, PairMetric]:
    of_means = estimate_differences(
        *(mean_of_runs([run.resampled for run in runs]) for runs in (first_runs, second_runs))
    )
    # Sums over seeds, (len(RECALLS), n_images) each: whole numbers, whose test is that of means.
    sums = [
        np.sum([[run.found[name] for name in RECALLS] for run in runs], axis=0)
        for runs in (first_runs, second_runs)
    ]
    p_values = sign_flip_ps(sums[0] - sums[1], sampling.generator(), sampling.n_permutations)
    tested = dict(zip(RECALLS, p_values.tolist(), strict=True))
    found = {}
    for name in MEASURED:
        one, other = first[name], second[name]
        found[name] = PairMetric(
            **vars(of_means[name]),
            seeds=tuple(a - b for a, b in zip(one.seeds, other.seeds, strict=True)),
            separated=_separated(one.seeds, other.seeds),
            in_sds=_in_sds(of_means[name].value, one.sd, other.sd),
            by_image_p=tested.get(name),
        )
    return found


def _separated(first: Sequence[float], second: Sequence[float]) -> bool | None:
    if len(first) == 1:
        return None
    return min(first) > max(second) + SAME or min(second) > max(first) + SAME


def _in_sds(difference: float, first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return None
    pooled = sqrt((first**2 + second**2) / 2)  # as many seeds in both
    return difference / pooled if pooled > SAME else None


def _corrected(pairs: Sequence[ArmPair]) -> tuple[ArmPair, ...]:
    """Return the pairs with Holm's correction for all their tests."""
    p_values = [pair.metrics[name].by_image_p for pair in pairs for name in RECALLS]
    corrected = iter(holm([p for p in p_values if p is not None]).tolist())
    return tuple(
        replace(
            pair,
            metrics={
                name: replace(found, holm_p=next(corrected)) if name in RECALLS else found
                for name, found in pair.metrics.items()
            },
        )
        for pair in pairs
    )
