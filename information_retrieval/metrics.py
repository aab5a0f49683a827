"""Ranks with ties, recall and top documents of a score matrix. NumPy in, NumPy out.

Everywhere, `scores` is (n_images, n_captions) float: rows are images, columns captions, and
`caption_image_index` is (n_captions,) integer: the row of each caption's image. The direction
`i2t` (text retrieval) queries with an image and ranks captions; `t2i` (image retrieval) queries
with a caption and ranks images.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Direction = Literal["i2t", "t2i"]
DIRECTIONS: tuple[Direction, ...] = ("i2t", "t2i")
TieRule = Literal["expected", "optimistic", "pessimistic"]
TIED_SHARE = {"optimistic": 0.0, "expected": 0.5, "pessimistic": 1.0}
CUTOFFS = (1, 5, 10)
# Rows compared at once: 64 rows of 25,000 captions are 6 MB of scores and 2 MB of comparisons.
BLOCK_ROWS = 64


@dataclass(frozen=True)
class QueryRanks:
    """What the rank of each query is counted from.

    Attributes:
        higher: (n_queries,) int64, documents scored strictly higher than the best ground truth.
        tied: (n_queries,) int64, wrong documents scored the same as it.
    """

    higher: np.ndarray
    tied: np.ndarray

    def ranks(self, ties: TieRule = "expected") -> np.ndarray:
        """Return the 0-based ranks, (n_queries,) float64.

        `optimistic` puts the ground truth before all that is tied with it, `pessimistic` after,
        `expected` after half of it: the mean over random orders.
        """
        return self.higher + TIED_SHARE[ties] * self.tied


@dataclass(frozen=True)
class Ranks:
    """Ranks of image queries (i2t) and of caption queries (t2i)."""

    i2t: QueryRanks
    t2i: QueryRanks

    def of(self, direction: Direction) -> QueryRanks:
        """Return the ranks of one direction."""
        return self.i2t if direction == "i2t" else self.t2i


def count_ranks(scores: np.ndarray, caption_image_index: np.ndarray) -> Ranks:
    """Count, for every query, the documents above and beside its best ground truth.

    One pass over blocks of rows, without sorting; beside the matrix it needs a few MB.

    Raises:
        ValueError: a score is NaN or infinite (a NaN ground truth would be counted as rank 0),
            the shapes do not fit, or an image has no caption.
    """
    n_images, n_captions = scores.shape
    bad = find_not_finite(scores)
    if bad is not None:
        raise ValueError(f"score of row {bad[0]}, column {bad[1]} is {scores[bad]}")
    if caption_image_index.shape != (n_captions,):
        raise ValueError(f"{n_captions} columns of scores, {len(caption_image_index)} captions")
    own = scores[caption_image_index, np.arange(n_captions)]  # (n_captions,)
    best = np.full(n_images, -np.inf, scores.dtype)
    np.maximum.at(best, caption_image_index, own)
    i2t_higher, i2t_tied = np.empty(n_images, np.int64), np.empty(n_images, np.int64)
    t2i_higher, t2i_tied = np.zeros(n_captions, np.int64), np.zeros(n_captions, np.int64)
    for start in range(0, n_images, BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = scores[rows]  # (<= BLOCK_ROWS, n_captions)
        i2t_higher[rows] = np.count_nonzero(block > best[rows, None], axis=1)
        i2t_tied[rows] = np.count_nonzero(block == best[rows, None], axis=1)
        t2i_higher += np.count_nonzero(block > own, axis=0)
        t2i_tied += np.count_nonzero(block == own, axis=0)
    if np.isinf(best).any():
        raise ValueError(f"image in row {np.flatnonzero(np.isinf(best))[0]} has no caption")
    # Counted so far as tied with itself: every ground truth that reaches the best one's score.
    i2t_tied -= np.bincount(caption_image_index[own == best[caption_image_index]])
    return Ranks(QueryRanks(i2t_higher, i2t_tied), QueryRanks(t2i_higher, t2i_tied - 1))


def find_not_finite(scores: np.ndarray) -> tuple[int, int] | None:
    """Return the row and column of the first score that is NaN or infinite; None without one."""
    for start in range(0, len(scores), BLOCK_ROWS):
        finite = np.isfinite(scores[start : start + BLOCK_ROWS])
        if not finite.all():
            row, column = np.argwhere(~finite)[0].tolist()
            return start + row, column
    return None


def recall_at_k(ranks: np.ndarray, k: int) -> float:
    """Return the share of queries, in percent, with a ground truth in the top k (rank < k)."""
    return 100.0 * float(np.mean(ranks < k))


def retrieval_metrics(ranks: Ranks, ties: TieRule = "expected") -> dict[str, float]:
    """Return the table of a score matrix.

    Returns:
        for each direction d: `{d}_r1`, `{d}_r5`, `{d}_r10` (percent), `{d}_median_rank`,
        `{d}_mean_rank` (0-based), `{d}_tied` (percent of queries whose rank depends on ties);
        and `rsum`, the sum of the six recalls.
    """
    metrics: dict[str, float] = {}
    for direction in DIRECTIONS:
        queries = ranks.of(direction)
        values = queries.ranks(ties)
        for k in CUTOFFS:
            metrics[f"{direction}_r{k}"] = recall_at_k(values, k)
        metrics[f"{direction}_median_rank"] = float(np.median(values))
        metrics[f"{direction}_mean_rank"] = float(np.mean(values))
        metrics[f"{direction}_tied"] = 100.0 * float(np.mean(queries.tied > 0))
    metrics["rsum"] = sum(metrics[f"{d}_r{k}"] for d in DIRECTIONS for k in CUTOFFS)
    return metrics


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Return each row's k best columns, best first, ties by the lower column.

    For caption queries pass `scores.T`.

    Returns:
        (n_rows, min(k, n_columns)) int64.
    """
    k = min(k, scores.shape[1])
    best = np.empty((len(scores), k), np.int64)
    for start in range(0, len(scores), BLOCK_ROWS):
        best[start : start + BLOCK_ROWS] = _top_k_of_block(scores[start : start + BLOCK_ROWS], k)
    return best


def _top_k_of_block(block: np.ndarray, k: int) -> np.ndarray:
    kth = np.partition(block, -k, axis=1)[:, -k, None]  # (rows, 1)
    above, tied = block > kth, block == kth
    places_left = k - above.sum(axis=1, keepdims=True)
    chosen = above | (tied & (np.cumsum(tied, axis=1) <= places_left))
    columns = np.nonzero(chosen)[1].reshape(len(block), k)  # ascending in each row
    order = np.argsort(-np.take_along_axis(block, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
