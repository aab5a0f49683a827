"""Retrieval metrics under extended ground truth, as ECCV Caption reports them.

R@k as in the rest of the project (expected ties); R-Precision and mAP@R as in Musgrave et al. 2020
and `eccv_caption`: of a query with R suitable documents, R-Precision is the share of suitable ones
among its first R, and mAP@R the mean over r = 1..R of the precision at r where the r-th document
is suitable, and 0 where it is not. Ties within the first R are broken by the lower row or column.
"""

from dataclasses import dataclass

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import BLOCK_QUERIES
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from information_retrieval.ranking.metrics import CUTOFFS, recall_at_k, top_k
from information_retrieval.ranking.query_ranks import Direction, QueryRanks


@dataclass(frozen=True)
class ExtendedMetrics:
    """Metrics of one direction, in percent.

    Attributes:
        n_queries: queries that have a suitable document in the gallery; the others are left out.
        recalls: R@1, R@5, R@10.
    """

    n_queries: int
    recalls: tuple[float, ...]
    r_precision: float
    map_at_r: float

    def to_json(self) -> dict[str, float]:
        """Return the metrics by name."""
        recalls = {f"r{k}": recall for k, recall in zip(CUTOFFS, self.recalls, strict=True)}
        return {
            "queries": self.n_queries,
            **recalls,
            "r_precision": self.r_precision,
            "map_at_r": self.map_at_r,
        }


def gallery_positions(model: ModelRankings, direction: Direction) -> tuple[dict, dict]:
    """Return query id -> its row or column of the scores, and the same for document ids."""
    images = {i: row for row, i in enumerate(model.rankings.image_ids.tolist())}
    captions = {c: column for column, c in enumerate(model.rankings.caption_ids.tolist())}
    return (images, captions) if direction == "i2t" else (captions, images)


def extended_metrics(
    model: ModelRankings, direction: Direction, relevance: ExtendedRelevance
) -> ExtendedMetrics | None:
    """Compute the metrics over the labelled queries; None where none is in the gallery.

    Labels of images and captions outside the gallery are left out.
    """
    queries, documents = gallery_positions(model, direction)
    suitable = {
        queries[query]: np.array(sorted(documents[d] for d in found if d in documents), np.int64)
        for query, found in relevance.documents(direction).items()
        if query in queries
    }
    suitable = {query: found for query, found in suitable.items() if len(found)}
    if not suitable:
        return None
    rows = np.array(sorted(suitable), np.int64)
    per_query = []
    for start in range(0, len(rows), BLOCK_QUERIES):
        block = rows[start : start + BLOCK_QUERIES]
        scores = model.scores(direction)[block]  # (<= BLOCK_QUERIES, n_documents)
        truths = [suitable[row] for row in block.tolist()]
        best = top_k(scores, max(map(len, truths)))
        per_query += [_measure(*line) for line in zip(scores, truths, best, strict=True)]
    higher, tied, truths, precisions, averages = np.array(per_query).T
    ranks = QueryRanks(*(counts.astype(np.int64) for counts in (higher, tied, truths)))
    return ExtendedMetrics(
        len(rows),
        tuple(recall_at_k(ranks, k) for k in CUTOFFS),
        100 * float(precisions.mean()),
        100 * float(averages.mean()),
    )


def _measure(
    scores: np.ndarray, suitable: np.ndarray, best: np.ndarray
) -> tuple[int, int, int, float, float]:
    """Return the three counts of `QueryRanks`, R-Precision and average precision at R of a query.

    Args:
        scores: (n_documents,) float.
        suitable: (R,) integer, R > 0.
        best: (>= R,) integer, the documents scored highest, best first.
    """
    own = scores[suitable].max()
    higher, truths = int((scores > own).sum()), int((scores[suitable] == own).sum())
    tied = int((scores == own).sum()) - truths
    hits = np.isin(best[: len(suitable)], suitable)  # (R,)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return higher, tied, truths, float(precision[-1]), float((precision * hits).mean())
