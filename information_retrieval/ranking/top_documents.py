"""Top documents: the k best of each query, kept while blocks of scores come in any order."""

import numpy as np
from numpy.typing import DTypeLike

# Pairs looked at once. Their temporaries take 50 bytes a pair at most, and 2 without ties.
BLOCK_PAIRS = 2**19
# Documents of which only the best is considered for the bound on the k-th best.
GROUP = 8


class TopDocuments:
    """The k best documents of each query so far, best first, ties by the lower document.

    Memory: 8 bytes and a score for each of the k places of a query, and some MB of temporaries.

    Attributes:
        documents: (n_queries, k) int64; `n_documents` in the places that no document took yet.
        scores: (n_queries, k), the scores of `documents`; -inf in those places.
    """

    def __init__(self, n_queries: int, n_documents: int, k: int, dtype: DTypeLike = np.float32):
        """Start with no document seen; `k` becomes `n_documents` where that is less."""
        self._n_documents, self._k = n_documents, min(k, n_documents)
        self.documents = np.full((n_queries, self._k), n_documents, np.int64)
        self.scores = np.full((n_queries, self._k), -np.inf, dtype)

    def update(self, queries: np.ndarray, documents: np.ndarray, block: np.ndarray) -> None:
        """Look at the scores of some queries with some documents; each pair comes once in all.

        Args:
            queries: (n_rows,) integer, distinct.
            documents: (n_columns,) integer, distinct.
            block: (n_rows, n_columns) finite float; a transposed array is as good.
        """
        if not len(documents):
            return
        # Ascending, so that of equal columns the first ones are the lower documents.
        order = None if (np.diff(documents) > 0).all() else np.argsort(documents)
        step = max(1, BLOCK_PAIRS // len(documents))
        for start in range(0, len(queries), step):
            part, rows = block[start : start + step], queries[start : start + step]
            if order is None:
                self._merge(rows, documents, part)
            else:
                self._merge(rows, documents[order], part[:, order])

    def _merge(self, queries: np.ndarray, documents: np.ndarray, part: np.ndarray) -> None:
        bound = self.scores[queries, -1]  # (n_rows,)
        if np.isneginf(bound).any():
            bound = np.maximum(bound, _bound(part, self._k))
        row, column = _positions(part >= bound[:, None])  # (n_candidates,)
        kept = _without_hopeless_ties(row, part[row, column] == bound[row], self._k)
        row, column = row[kept], column[kept]
        candidates, candidate_documents = part[row, column], documents[column]
        # Once many documents were seen, few queries find a better one in a block.
        touched, row = np.unique(row, return_inverse=True)
        if not len(row):
            return
        queries, counts = queries[touched], np.bincount(row)
        place = self._k + np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
        shape = (len(queries), self._k + counts.max())  # the best so far, then the candidates
        scores = np.full(shape, -np.inf, self.scores.dtype)
        found = np.full(shape, self._n_documents, np.int64)
        scores[:, : self._k], scores[row, place] = self.scores[queries], candidates
        found[:, : self._k], found[row, place] = self.documents[queries], candidate_documents
        best = np.lexsort((found, -scores), axis=1)[:, : self._k]  # the last key comes first
        self.scores[queries] = np.take_along_axis(scores, best, axis=1)
        self.documents[queries] = np.take_along_axis(found, best, axis=1)


def _bound(part: np.ndarray, k: int) -> np.ndarray:
    """Return a number that is at most each row's k-th best score, (n_rows,).

    It is the k-th best among the maxima of groups of columns: k scores at least reach it, and
    those above it lie in k - 1 groups.
    """
    n_rows, n_columns = part.shape
    if n_columns < k:
        return np.full(n_rows, -np.inf, part.dtype)
    n_groups = n_columns // GROUP
    if n_groups >= 4 * k:
        groups = part[:, : GROUP * n_groups].reshape(n_rows, GROUP, n_groups)
        part = groups.max(axis=1)  # (n_rows, n_groups)
    return np.partition(np.ascontiguousarray(part), -k, axis=1)[:, -k]


def _positions(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of what is chosen, row by row, for either memory layout."""
    n_rows, n_columns = chosen.shape
    if chosen.flags.c_contiguous:
        return np.divmod(np.flatnonzero(chosen), n_columns)
    column, row = np.divmod(np.flatnonzero(chosen.T), n_rows)
    by_row = np.argsort(row, kind="stable")
    return row[by_row], column[by_row]


def _without_hopeless_ties(row: np.ndarray, at_bound: np.ndarray, k: int) -> np.ndarray:
    """Tell which candidates may be among the k best of their row, (n_chosen,) bool.

    Of those at the bound, the lower documents take the places that those above it leave.
    """
    n_rows = row.max(initial=-1) + 1
    places = k - np.bincount(row[~at_bound], minlength=n_rows)  # (n_rows,)
    tied = np.bincount(row[at_bound], minlength=n_rows)  # (n_rows,)
    nth = np.cumsum(at_bound) - (np.cumsum(tied) - tied)[row]  # 1 for a row's first tied
    return ~at_bound | (nth <= places[row])
