"""Tests of whether one model ranks the same queries better than another.

Two tests of R@k, and one of reciprocal ranks. McNemar's takes each query as independent of the
others, which holds for image queries; captions of one image are not, and for them its p-value is
too small. The test by image swaps the two models' results for all queries of an image at once. The
p-values are two-sided; how many tests are looked at is corrected for by `assessment`, which knows.

Where documents tie, a query is found with a probability (see `query_ranks`): differences are those
of the probabilities, and the counts of queries found by one model alone their expected numbers
when both models' ties are broken independently.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import QueryRanks

N_PERMUTATIONS = 9999
# Permutations computed at once: those of 5,000 images take 3 MB.
BATCH = 500
# Of differences that have so few sizes, as recalls have, numbers of signs are drawn, and not signs.
MOST_SIZES = 40
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
        holm_p: the same, corrected for all tests by image (see `multiple_tests`); None before.
    """

    k: int
    first_only: float
    second_only: float
    mcnemar_p: float
    by_image_p: float
    holm_p: float | None = None


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
    holm_p: float | None = None


@dataclass(frozen=True)
class PairedTests:
    """All tests of two models on the queries of one direction."""

    recalls: tuple[RecallTest, ...]
    reciprocal_rank: ReciprocalRankTest


def paired_tests(
    first: QueryRanks,
    second: QueryRanks,
    image: np.ndarray,
    generator: np.random.Generator,
    n_permutations: int = N_PERMUTATIONS,
) -> PairedTests:
    """Test two models on the same queries.

    Args:
        first, second: the ranks under each model.
        image: (n_queries,) integer, the image that each query is or belongs to.
    """

    def by_image(difference: np.ndarray) -> float:
        return sign_flip_p(np.bincount(image, difference), generator, n_permutations)

    recalls = []
    for k in CUTOFFS:
        one, other = first.found(k), second.found(k)  # (n_queries,)
        only = (float(one @ (1 - other)), float(other @ (1 - one)))
        recalls.append(RecallTest(k, *only, mcnemar_p(*only), by_image(one - other)))
    one, other = first.reciprocal_ranks(), second.reciprocal_ranks()
    means = float(one.mean()), float(other.mean())
    return PairedTests(tuple(recalls), ReciprocalRankTest(*means, by_image(one - other)))


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
    if not len(moved):
        return 1.0
    sizes, counts = np.unique(np.abs(moved), return_counts=True)
    # Sums in another order differ by so little.
    reached = abs(moved.sum()) - TOLERANCE * np.abs(moved).sum()
    n_reached = 0
    for start in range(0, n_permutations, BATCH):
        n = min(BATCH, n_permutations - start)
        if len(sizes) <= MOST_SIZES:
            # How many of a size are positive is all that their signs tell.
            sums = (2 * generator.binomial(counts, 0.5, (n, len(sizes))) - counts) @ sizes
        else:
            sums = _flipped_sums(moved, generator, n)
        n_reached += int(np.count_nonzero(np.abs(sums) >= reached))
    return (n_reached + 1) / (n_permutations + 1)


def _flipped_sums(values: np.ndarray, generator: np.random.Generator, n: int) -> np.ndarray:
    """Return (n,) sums of the values, the sign of each a random bit.

    Eight values share a byte: the 256 sums of each eight are computed once, and looked up.
    """
    n_bytes = -(-len(values) // 8)
    eights = np.zeros(8 * n_bytes)
    eights[: len(values)] = values
    signs = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)  # (256, 8)
    table = eights.reshape(n_bytes, 8) @ signs.T  # (n_bytes, 256)
    drawn = np.frombuffer(generator.bytes(n * n_bytes), np.uint8).reshape(n, n_bytes)
    return table[np.arange(n_bytes), drawn].sum(axis=1)
