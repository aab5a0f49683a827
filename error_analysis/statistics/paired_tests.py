"""Tests of whether one model ranks the same queries better than another.

Two tests of R@k, and one of reciprocal ranks. McNemar's takes each query as independent of the
others, which holds for image queries; captions of one image are not, and for them its p-value is
too small. The test by image swaps the two models' results for all queries of an image at once. The
p-values are two-sided; those by image are also corrected, by Holm, for how many are looked at.

Where documents tie, a query is found with a probability (see `query_ranks`): differences are those
of the probabilities, and the counts of queries found by one model alone their expected numbers
when both models' ties are broken independently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import special

from error_analysis.statistics.multiple_tests import holm
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import Direction, QueryRanks

N_PERMUTATIONS = 9999
# Permutations computed at once: those of 5,000 images take 20 MB.
BATCH = 500
TOLERANCE = 1e-12


@dataclass(frozen=True)
class RecallTest:
    """Whether two models' recall at a cutoff differs.

    Attributes:
        k: the cutoff.
        first_only, second_only: queries that only the first, or only the second model finds in
            its top k; whole numbers where ties do not matter.
        mcnemar_p: exact, from the binomial distribution of these two numbers.
        by_image_p: from permutations by image.
        holm_p: the same, corrected for all tests by image (see `multiple_tests`).
    """

    k: int
    first_only: float
    second_only: float
    mcnemar_p: float
    by_image_p: float
    holm_p: float


@dataclass(frozen=True)
class ReciprocalRankTest:
    """Whether two models' mean of 1 / (rank + 1) differs, of ties the mean over their orders.

    Attributes:
        first, second: the means.
        by_image_p, holm_p: as those of `RecallTest`.
    """

    first: float
    second: float
    by_image_p: float
    holm_p: float


@dataclass(frozen=True)
class PairedTests:
    """All tests of two models on the queries of one direction."""

    recalls: tuple[RecallTest, ...]
    reciprocal_rank: ReciprocalRankTest


@dataclass(frozen=True)
class Outcomes:
    """What the queries of one direction came to under a model.

    Attributes:
        of_queries: (len(CUTOFFS) + 1, n_queries) float64: found at each cutoff, 0 to 1, and last
            the reciprocal ranks.
        of_images: (len(CUTOFFS) + 1, n_images) float64, these added up over each image's queries.
    """

    of_queries: np.ndarray
    of_images: np.ndarray


def outcomes(ranks: QueryRanks, image: np.ndarray, n_images: int) -> Outcomes:
    """Return what a model's queries came to.

    Args:
        image: (n_queries,) integer, the image that each query is or belongs to.
    """
    of_queries = np.stack([*(ranks.found(k) for k in CUTOFFS), ranks.reciprocal_ranks()])
    of_images = np.stack([np.bincount(image, values, n_images) for values in of_queries])
    return Outcomes(of_queries, of_images)


def paired_tests(
    models: Sequence[Mapping[Direction, Outcomes]],
    generator: np.random.Generator,
    n_permutations: int = N_PERMUTATIONS,
) -> list[dict[Direction, PairedTests]]:
    """Test each two models on the same queries, all by the same permutations.

    Args:
        models: of each, what its queries came to, in directions that are the same for all.

    Returns:
        The tests of the first and second model, the first and third, and so on. Holm's correction
        is for all tests by image among them.
    """
    pairs = list(combinations(models, 2))
    if not pairs:
        return []
    asked = [(one[direction], other[direction]) for one, other in pairs for direction in one]
    differences = np.concatenate([_differences(one, other) for one, other in asked])
    by_image = sign_flip_ps(differences, generator, n_permutations)
    p_values = np.stack([by_image, holm(by_image)], axis=1).reshape(len(asked), -1, 2)
    tests = (_tests(*both, ps) for both, ps in zip(asked, p_values.tolist(), strict=True))
    return [{direction: next(tests) for direction in one} for one, _ in pairs]


def _differences(first: Outcomes, second: Outcomes) -> np.ndarray:
    """Return (len(CUTOFFS) + 1, n_images); 0 where only the order of a sum differs."""
    difference = first.of_images - second.of_images
    return np.where(
        np.abs(difference) > TOLERANCE * (first.of_images + second.of_images), difference, 0.0
    )


def _tests(first: Outcomes, second: Outcomes, p_values: list[list[float]]) -> PairedTests:
    """Return the tests of two models; of each, its p-value by image, and Holm's."""
    measured = zip(first.of_queries, second.of_queries, p_values, strict=True)
    recalls = []
    for k, (one, other, p) in zip(CUTOFFS, measured, strict=False):
        only = (float(one @ (1 - other)), float(other @ (1 - one)))
        recalls.append(RecallTest(k, *only, mcnemar_p(*only), *p))
    means = (float(outcome.of_queries[-1].mean()) for outcome in (first, second))
    return PairedTests(tuple(recalls), ReciprocalRankTest(*means, *p_values[-1]))


def mcnemar_p(first_only: float, second_only: float) -> float:
    """Return the exact p-value of McNemar's test; 1 where the models find the same queries.

    Twice the binomial probability of so few, or fewer, of the rarer kind. It is written as the
    incomplete beta function that this is of whole numbers, so that expected numbers do as well.
    """
    fewer, more = sorted((first_only, second_only))
    return min(1.0, 2 * float(special.betainc(more, fewer + 1, 0.5))) if more else 1.0


def sign_flip_p(
    differences: np.ndarray,
    generator: np.random.Generator,
    n_permutations: int = N_PERMUTATIONS,
) -> float:
    """Return the p-value of a sum of differences when the sign of each is a coin's.

    It is at least 1 / (n_permutations + 1), and 1 where all differences are 0.

    Args:
        differences: (n_images,), of each image, its queries' differences between two models
            added up: swapping the models for that image changes its sign.
    """
    moved = differences[differences != 0]  # the others add nothing, whatever their sign
    return float(sign_flip_ps(moved[None], generator, n_permutations)[0])


def sign_flip_ps(
    differences: np.ndarray, generator: np.random.Generator, n_permutations: int
) -> np.ndarray:
    """Return the p-values of several sums, (n_tests,) float64, by the same signs (`sign_flip_p`).

    Args:
        differences: (n_tests, n_images).
    """
    sums = differences.sum(axis=1)
    # Sums in another order differ by so little.
    reached = np.abs(sums) - TOLERANCE * np.abs(differences).sum(axis=1)
    n_tests, n_images = differences.shape
    n_reached = np.zeros(n_tests, np.int64)
    for start in range(0, n_permutations, BATCH):
        n = min(BATCH, n_permutations - start)
        n_bytes = -(-n_images // 8)
        drawn = np.frombuffer(generator.bytes(n * n_bytes), np.uint8).reshape(n, n_bytes)
        swapped = np.unpackbits(drawn, axis=1, count=n_images).astype(np.float64)
        n_reached += np.count_nonzero(
            np.abs(sums - 2 * (swapped @ differences.T)) >= reached, axis=0
        )
    return (n_reached + 1) / (n_permutations + 1)
