"""Recalls and the like of counted ranks, and a matrix's top documents. NumPy in, NumPy out."""

import numpy as np

from information_retrieval.ranking.query_ranks import DIRECTIONS, QueryRanks, Ranks, TieRule
from information_retrieval.ranking.top_documents import TopDocuments

CUTOFFS = (1, 5, 10)


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Return each row's k best columns, best first, ties by the lower column.

    For caption queries pass `scores.T`; some 10 MB are needed beside the matrix.

    Returns:
        (n_rows, min(k, n_columns)) int64.
    """
    n_rows, n_columns = scores.shape
    top = TopDocuments(n_rows, n_columns, k, scores.dtype)
    top.update(np.arange(n_rows), np.arange(n_columns), scores)
    return top.documents


def recall_at_k(queries: QueryRanks, k: int, ties: TieRule = "expected") -> float:
    """Return the percentage of queries with a ground truth in the top k: of ties, the mean.

    A part of the public interface (docs/python.md).
    """
    return 100.0 * float(np.mean(queries.found(k, ties)))


def retrieval_metrics(ranks: Ranks, ties: TieRule = "expected") -> dict[str, float]:
    """Return the table of a score matrix.

    A part of the public interface (docs/python.md).

    Returns:
        for each direction d: `{d}_r1`, `{d}_r5`, `{d}_r10` (percent), `{d}_median_rank`,
        `{d}_mean_rank` (0-based; the median is that of expected ranks), `{d}_tied` (percent of
        queries whose rank depends on ties); and `rsum`, the sum of the six recalls.
    """
    metrics: dict[str, float] = {}
    for direction in DIRECTIONS:
        queries = ranks.of(direction)
        values = queries.ranks(ties)
        for k in CUTOFFS:
            metrics[f"{direction}_r{k}"] = recall_at_k(queries, k, ties)
        metrics[f"{direction}_median_rank"] = float(np.median(values))
        metrics[f"{direction}_mean_rank"] = float(np.mean(values))
        metrics[f"{direction}_tied"] = 100.0 * float(np.mean(queries.tied > 0))
    metrics["rsum"] = sum(metrics[f"{d}_r{k}"] for d in DIRECTIONS for k in CUTOFFS)
    return metrics
