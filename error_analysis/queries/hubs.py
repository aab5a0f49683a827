"""Documents that intrude into the top of queries they are wrong for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import BLOCK_QUERIES
from information_retrieval.ranking.metrics import top_k
from information_retrieval.ranking.query_ranks import Direction

K = 10


@dataclass(frozen=True)
class Hubness:
    """How often each document intrudes into the top k of queries that it is wrong for.

    Attributes:
        direction: i2t: captions intrude into image queries; t2i: images into caption queries.
        k: length of the lists.
        intrusions: (n_documents,) int64.
        wrong_for: (n_documents,) int64, the queries for which a document is wrong.
        n_queries: queries in all.
    """

    direction: Direction
    k: int
    intrusions: np.ndarray
    wrong_for: np.ndarray
    n_queries: int

    @property
    def skewness(self) -> float:
        """The third standardised moment of the intrusions over documents; 0 where all are equal."""
        return skewness(self.intrusions)

    def hubs(self, n_hubs: int) -> np.ndarray:
        """Return the documents with the most intrusions, of equals the lower: (<= n_hubs,) int64.

        Documents that never intrude are no hubs.
        """
        order = np.argsort(-self.intrusions, kind="stable")[:n_hubs]
        return order[self.intrusions[order] > 0]

    def largest_share(self, part: float = 0.01) -> float:
        """Return the share of all intrusions that the largest hubs make, `part` of the documents.

        At least one document is taken; 0 where nothing intrudes.
        """
        n = max(1, round(part * len(self.intrusions)))
        total = self.intrusions.sum()
        return float(np.sort(self.intrusions)[-n:].sum() / total) if total else 0.0


def skewness(counts: np.ndarray) -> float:
    """Return the biased sample skewness of counts (n,), as `scipy.stats.skew` does by default."""
    centred = np.asarray(counts, np.float64) - np.mean(counts)
    variance = np.mean(centred**2)
    return float(np.mean(centred**3) / variance**1.5) if variance > 0 else 0.0


def count_intrusions(model: ModelRankings, direction: Direction, k: int = K) -> Hubness:
    """Count the intrusions of each document of a direction.

    A list has the k best documents by score, ties by the lower document, as elsewhere.
    """
    index = model.gallery.caption_image_index  # (n_captions,)
    n_queries, n_documents = model.scores(direction).shape
    intrusions = np.zeros(n_documents, np.int64)
    for _, wrong in _wrongly_retrieved(model, direction, k):
        intrusions += np.bincount(wrong, minlength=n_documents)
    # A caption is right for its one image, an image for each of its captions.
    right_for = np.ones_like(index) if direction == "i2t" else np.bincount(index)
    return Hubness(direction, k, intrusions, n_queries - right_for, n_queries)


def intruded_queries(
    model: ModelRankings, direction: Direction, documents: Sequence[int], k: int = K
) -> list[np.ndarray]:
    """Return the queries that each of some documents intrudes into, (n_intrusions,) int64 each."""
    found: list[list[np.ndarray]] = [[] for _ in documents]
    for queries, wrong in _wrongly_retrieved(model, direction, k):
        for own, document in zip(found, documents, strict=True):
            own.append(queries[wrong == document])
    return [np.concatenate(own) for own in found]


def _wrongly_retrieved(
    model: ModelRankings, direction: Direction, k: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield queries and the wrong documents in their lists: (n,) int64 each, a block at a time."""
    index = model.gallery.caption_image_index  # (n_captions,)
    scores = model.scores(direction)
    for start in range(0, len(scores), BLOCK_QUERIES):
        block = scores[start : start + BLOCK_QUERIES]
        best = top_k(block, k)  # (<= BLOCK_QUERIES, k)
        query = np.arange(start, start + len(block))[:, None]  # (<= BLOCK_QUERIES, 1)
        right = index[best] == query if direction == "i2t" else best == index[query]
        yield np.broadcast_to(query, best.shape)[~right], best[~right]
