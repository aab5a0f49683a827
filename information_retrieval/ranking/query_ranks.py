"""What the rank of a query is worth when documents tie: one definition for every number.

A query has `higher` wrong documents above its best ground truth, and beside it, with the same
score, `tied` wrong documents and `truths` ground truths (itself included). What is tied could stand
in any order, so a rank is a random number, and every number here is its mean over all orders:

    expected rank          higher + tied / (truths + 1)
    found in the top k     1 - C(tied, m) / C(tied + truths, m),  m = k - higher places
                           (0 where m <= 0, 1 where m > tied)

The first is the mean number of wrong documents before the first of `truths` right ones; the second
the probability that not all of the first m places go to wrong ones. With one ground truth they are
higher + tied / 2 and clip(m / (tied + 1), 0, 1). R@k is the mean of the second, not the share of
expected ranks below k: a query tied with one wrong document is found at 1 in half of the orders,
where its expected rank of 0.5 would count as found. `optimistic` and `pessimistic` put all ground
truths before, or after, what is tied with them: the bounds.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

Direction = Literal["i2t", "t2i"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
TieRule = Literal["expected", "optimistic", "pessimistic"]
TIE_RULES: tuple[TieRule, ...] = get_args(TieRule)


@dataclass(frozen=True)
class QueryRanks:
    """What the rank of each query is counted from.

    Attributes:
        higher: (n_queries,) int64, documents scored strictly higher than the best ground truth.
        tied: (n_queries,) int64, wrong documents scored the same as it.
        truths: (n_queries,) int64, at least 1, ground truths scored the same as it, itself
            included.
    """

    higher: np.ndarray
    tied: np.ndarray
    truths: np.ndarray

    def ranks(self, ties: TieRule = "expected") -> np.ndarray:
        """Return the 0-based ranks, (n_queries,) float64: the mean over orders, or a bound."""
        if ties == "expected":
            return self.higher + self.tied / (self.truths + 1)
        return (self.higher + self.tied * (ties == "pessimistic")).astype(np.float64)

    def found(self, k: int, ties: TieRule = "expected") -> np.ndarray:
        """Return the probability of a ground truth in the top `k`, (n_queries,) float64.

        It is 0 or 1 wherever ties do not matter, and under the two bounds.
        """
        if ties == "expected":
            return 1.0 - self._behind(k - self.higher)
        return (self.ranks(ties) < k).astype(np.float64)

    def by_chance(self, k: int) -> np.ndarray:
        """Tell of which queries the order of ties decides whether they are found at `k`, bool."""
        return self.found(k, "optimistic") != self.found(k, "pessimistic")

    def reciprocal_ranks(self) -> np.ndarray:
        """Return the mean over orders of 1 / (rank + 1), (n_queries,) float64 in (0, 1].

        1 / (expected rank + 1) would be too small: the mean of 1 and 1/2 is not 1 / 1.5.
        """
        counts = np.stack([self.higher, self.tied, self.truths], axis=1)  # (n_queries, 3)
        kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
        return np.array([_mean_reciprocal_rank(*kind) for kind in kinds.tolist()])[kind_of]

    def subset(self, queries: np.ndarray) -> "QueryRanks":
        """Return the ranks of some queries, given by their positions, or by a mask."""
        return QueryRanks(self.higher[queries], self.tied[queries], self.truths[queries])

    def _behind(self, places: np.ndarray) -> np.ndarray:
        """Return the probability that wrong documents fill the first `places`, (n_queries,)."""
        places = np.clip(places, 0, self.tied + 1)  # more than `tied` cannot be filled
        behind = np.ones(len(places))
        # C(tied, m) / C(tied + truths, m) as a product over the ground truths, of which an image
        # has a handful: no factorial grows, and where nothing is tied it is exactly 0 or 1.
        for i in range(1, int(self.truths.max(initial=1)) + 1):
            behind *= np.where(i <= self.truths, (self.tied - places + i) / (self.tied + i), 1.0)
        return behind


def _mean_reciprocal_rank(higher: int, tied: int, truths: int) -> float:
    places = np.arange(tied + 2)  # wrong documents before the first ground truth: 0 to `tied`
    same = np.full(tied + 2, tied)
    behind = QueryRanks(np.zeros_like(same), same, np.full_like(same, truths))._behind(places)
    probability = behind[:-1] - behind[1:]  # (tied + 1,)
    return float(probability @ (1.0 / (higher + 1 + places[:-1])))


@dataclass(frozen=True)
class Ranks:
    """Ranks of image queries (i2t) and of caption queries (t2i)."""

    i2t: QueryRanks
    t2i: QueryRanks

    def of(self, direction: Direction) -> QueryRanks:
        """Return the ranks of one direction."""
        return self.i2t if direction == "i2t" else self.t2i


def concatenate(parts: list[QueryRanks]) -> QueryRanks:
    """Return the ranks of several galleries' queries as one."""
    fields = ("higher", "tied", "truths")
    return QueryRanks(*(np.concatenate([getattr(p, field) for p in parts]) for field in fields))
