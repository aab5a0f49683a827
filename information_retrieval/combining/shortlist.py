"""Shortlists of a first scorer, and the censored ranks that another makes of them.

A query's shortlist is its k best documents by the first scorer. The second orders these and says
nothing of the others, so a query whose ground truth is not among them has a rank that is only
known to be k or more: it is censored. The scores of the two are never compared with each other.
"""

from dataclasses import dataclass

import numpy as np

from information_retrieval.ranking.metrics import CUTOFFS, recall_at_k, top_k
from information_retrieval.ranking.query_ranks import (
    DIRECTIONS,
    TIE_RULES,
    Direction,
    QueryRanks,
    TieRule,
)


@dataclass(frozen=True)
class Shortlists:
    """The first scorer's best documents of each query, best first, ties by position.

    Attributes:
        i2t: (n_images, min(k, n_captions)) int64, columns.
        t2i: (n_captions, min(k, n_images)) int64, rows.
        caption_image_index: (n_captions,) int64, the row of each caption's image.
    """

    i2t: np.ndarray
    t2i: np.ndarray
    caption_image_index: np.ndarray

    def of(self, direction: Direction) -> np.ndarray:
        """Return the documents of one direction, (n_queries, k)."""
        return self.i2t if direction == "i2t" else self.t2i

    def relevant(self, direction: Direction) -> np.ndarray:
        """Return which of them are ground truth, (n_queries, k) bool."""
        if direction == "i2t":
            return self.caption_image_index[self.i2t] == np.arange(len(self.i2t))[:, None]
        return self.t2i == self.caption_image_index[:, None]


def shortlists(scores: np.ndarray, caption_image_index: np.ndarray, k: int) -> Shortlists:
    """Take the k best documents of each query from `scores` (n_images, n_captions)."""
    return Shortlists(top_k(scores, k), top_k(scores.T, k), caption_image_index)


@dataclass(frozen=True)
class ShortlistedPairs:
    """The union of both directions' shortlists, each pair once.

    Attributes:
        rows, columns: (n_pairs,) int64, image and caption, ascending.
        i2t, t2i: for each place of the shortlists, its pair; the shapes of `Shortlists`, int64.
    """

    rows: np.ndarray
    columns: np.ndarray
    i2t: np.ndarray
    t2i: np.ndarray

    def of(self, direction: Direction) -> np.ndarray:
        """Return the pairs of one direction's shortlists, (n_queries, k)."""
        return self.i2t if direction == "i2t" else self.t2i


def union_of_pairs(lists: Shortlists) -> ShortlistedPairs:
    """Number the pairs that are on a shortlist of either direction."""
    n_images, n_captions = len(lists.i2t), len(lists.t2i)
    i2t = np.arange(n_images)[:, None] * n_captions + lists.i2t  # (n_images, k)
    t2i = lists.t2i * n_captions + np.arange(n_captions)[:, None]  # (n_captions, k)
    pairs, place = np.unique(np.concatenate([i2t.ravel(), t2i.ravel()]), return_inverse=True)
    return ShortlistedPairs(
        rows=pairs // n_captions,
        columns=pairs % n_captions,
        i2t=place[: i2t.size].reshape(i2t.shape),
        t2i=place[i2t.size :].reshape(t2i.shape),
    )


@dataclass(frozen=True)
class CensoredRanks:
    """The ranks of queries within their shortlists.

    Attributes:
        queries: counted within the shortlist; for a censored query k above one that is tied
            with none.
        censored: (n_queries,) bool, no ground truth is on the shortlist.
    """

    queries: QueryRanks
    censored: np.ndarray

    def at_least(self, ties: TieRule = "expected") -> np.ndarray:
        """Return the 0-based ranks, (n_queries,) float64; where censored, the bound k."""
        return self.queries.ranks(ties)


def rank_shortlists(scores: np.ndarray, relevant: np.ndarray) -> CensoredRanks:
    """Count, for every query, the listed documents above and beside its best listed ground truth.

    Args:
        scores: (n_queries, k) float, finite, of the second scorer.
        relevant: (n_queries, k) bool, ground truth.
    """
    censored = np.logical_not(relevant.any(axis=1))
    best = np.where(relevant, scores, -np.inf).max(axis=1)[:, None]  # (n_queries, 1)
    # Without a ground truth every listed document is above it: k.
    higher = np.count_nonzero(scores > best, axis=1)
    tied = np.count_nonzero((scores == best) & ~relevant, axis=1)
    truths = np.count_nonzero((scores == best) & relevant, axis=1)
    return CensoredRanks(QueryRanks(higher, tied, np.maximum(truths, 1)), censored)


def cascade_metrics(ranks: dict[Direction, CensoredRanks], ties: TieRule = "expected") -> dict:
    """Return the table of a cascade.

    The recalls are those of the cascade, exact as long as k is at least the cutoff; they are not
    those of the second scorer over the whole gallery.

    Returns:
        for each direction d: `{d}_r1`, `{d}_r5`, `{d}_r10`, `{d}_ceiling` (percent; the first
        scorer's recall at k, which no order of the shortlist exceeds), `{d}_tied` (percent);
        `{d}_median_rank_at_least` and `{d}_mean_rank_at_least` (0-based, censored ranks taken as
        k) with `{d}_median_rank_censored` and `{d}_mean_rank_censored`, true where they are lower
        bounds only; and `rsum`.
    """
    metrics: dict = {}
    for direction in DIRECTIONS:
        of_queries = ranks[direction]
        values, n_censored = of_queries.at_least(ties), int(of_queries.censored.sum())
        for k in CUTOFFS:
            metrics[f"{direction}_r{k}"] = recall_at_k(of_queries.queries, k, ties)
        metrics[f"{direction}_ceiling"] = 100.0 * (1 - n_censored / len(values))
        metrics[f"{direction}_median_rank_at_least"] = float(np.median(values))
        # The censored are last in order: the median is known while the upper middle is.
        metrics[f"{direction}_median_rank_censored"] = len(values) // 2 >= len(values) - n_censored
        metrics[f"{direction}_mean_rank_at_least"] = float(np.mean(values))
        metrics[f"{direction}_mean_rank_censored"] = n_censored > 0
        metrics[f"{direction}_tied"] = 100.0 * float(np.mean(of_queries.queries.tied > 0))
    metrics["rsum"] = sum(metrics[f"{d}_r{k}"] for d in DIRECTIONS for k in CUTOFFS)
    return metrics


def cascade_metrics_with_bounds(ranks: dict[Direction, CensoredRanks]) -> dict:
    """Return `metrics` (expected ties), and `bounds` by tie rule, as `protocol_metrics` does."""
    by_rule = {rule: cascade_metrics(ranks, rule) for rule in TIE_RULES}
    return {"metrics": by_rule.pop("expected"), "bounds": by_rule}
