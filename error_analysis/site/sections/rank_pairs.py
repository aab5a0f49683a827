"""The ranks of the same queries under two models, as counts over bands of ranks."""

from dataclasses import dataclass
from itertools import pairwise
from math import log1p

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.sections.bounds import last_below
from error_analysis.statistics.rank_plots import rank_edges
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True)
class Band:
    """Ranks from `low` to below `end`.

    Attributes:
        last: the bound of the filter that has the same ranks (see `last_below`).
    """

    low: int
    end: int
    last: float


@dataclass(frozen=True)
class RankPair:
    """How many queries of a direction have which ranks under two models.

    Attributes:
        bands: of both, up to the last that any query is in.
        counts: (n_bands, n_bands) int64, rows for the first model.
    """

    first: str
    second: str
    direction: Direction
    bands: tuple[Band, ...]
    counts: np.ndarray

    def shade(self, count: int) -> float:
        """Return how strong the shade of a cell is, from 0 to 1, logarithmically."""
        return log1p(count) / log1p(int(self.counts.max()))


def rank_pair(first: ModelRankings, second: ModelRankings, direction: Direction) -> RankPair:
    """Count the queries of a direction by their expected ranks under two models of one gallery."""
    ranks = [model.query_ranks(direction).ranks() for model in (first, second)]
    edges = rank_edges(1 + int(max(of_model.max() for of_model in ranks)))
    counts = np.histogram2d(ranks[0], ranks[1], (edges, edges))[0].astype(np.int64)
    bands = [Band(low, end, last_below(end, *ranks)) for low, end in pairwise(edges)]
    return RankPair(first.name, second.name, direction, tuple(bands), counts)
