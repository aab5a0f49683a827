"""Which objects are taken for which: the confusions of many queries as a matrix."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.reasons.images.salient_object import Confusion


@dataclass(frozen=True)
class ConfusionMatrix:
    """How many queries show an object (row) that was taken for another (column).

    Attributes:
        categories: of rows and columns; those without a confusion are left out.
        counts: (n, n) int64; the diagonal is 0.
        n_queries: queries that were looked at, those without a confusion included.
    """

    categories: tuple[str, ...]
    counts: np.ndarray
    n_queries: int

    def pairs(self) -> list[tuple[str, str, int]]:
        """Return (in the image, named instead, queries), most queries first, then by name."""
        rows, columns = np.nonzero(self.counts)
        found = [
            (self.categories[row], self.categories[column], int(self.counts[row, column]))
            for row, column in zip(rows, columns, strict=True)
        ]
        return sorted(found, key=lambda pair: (-pair[2], pair[:2]))

    def largest(self, n_categories: int) -> "ConfusionMatrix":
        """Return the matrix of the categories with the most confusions, in their order."""
        totals = self.counts.sum(axis=0) + self.counts.sum(axis=1)
        kept = np.sort(np.argsort(-totals, kind="stable")[:n_categories])
        names = tuple(self.categories[index] for index in kept)
        return ConfusionMatrix(names, self.counts[np.ix_(kept, kept)], self.n_queries)


def count_confusions(
    confusions: Iterable[Sequence[Confusion]], categories: Sequence[str]
) -> ConfusionMatrix:
    """Count the confusions of queries.

    Args:
        confusions: of each query.
        categories: all there are, in the order that rows and columns shall have; others that occur
            come behind them.
    """
    of_query = list(confusions)
    found = [(c.category, c.taken_for) for query in of_query for c in query]
    occurring = {name for pair in found for name in pair}
    names = [name for name in dict.fromkeys(categories) if name in occurring]
    names += sorted(occurring.difference(names))
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for category, taken_for in found:
        counts[place[category], place[taken_for]] += 1
    return ConfusionMatrix(tuple(names), counts, len(of_query))
