"""Which models the hard queries are hard for."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.hard_overlap import hard_overlap
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.query_ranks import Direction

MOST_COMBINATIONS = 20


@dataclass(frozen=True)
class Combination:
    """Queries, by direction, that are hard for exactly these models."""

    models: tuple[str, ...]
    queries: dict[Direction, int]


@dataclass(frozen=True)
class Overlap:
    """The hard queries of two or more models.

    Attributes:
        combinations: that any query has, most queries first, at most `MOST_COMBINATIONS`; what is
            hard for no model comes last.
        n_left_out: how many further combinations there are.
        jaccard: by pair of models and direction, the queries hard for both out of those hard for
            either; None where there are none.
    """

    combinations: tuple[Combination, ...]
    n_left_out: int
    jaccard: dict[tuple[str, str], dict[Direction, float | None]]

    @property
    def largest(self) -> int:
        """The most queries that any combination of one model or more has in a direction."""
        counts = [n for one in self.combinations if one.models for n in one.queries.values()]
        return max(counts, default=0)


def find_overlap(models: Sequence[ModelRankings], hard_rank: int) -> Overlap | None:
    """Count which models the queries are hard for (rank >= `hard_rank`); None for one model."""
    if len(models) < 2:
        return None
    overlaps = hard_overlap([models], hard_rank)
    of_any = {names for overlap in overlaps.values() for names in overlap.combinations}
    found = [
        Combination(
            names, {d: overlap.combinations.get(names, 0) for d, overlap in overlaps.items()}
        )
        for names in sorted(of_any)
    ]
    found.sort(key=lambda one: (not one.models, -sum(one.queries.values())))
    none_hard = [one for one in found if not one.models]
    some_hard = [one for one in found if one.models]
    pairs = overlaps["i2t"].jaccard
    return Overlap(
        (*some_hard[:MOST_COMBINATIONS], *none_hard),
        max(0, len(some_hard) - MOST_COMBINATIONS),
        {pair: {d: overlap.jaccard[pair] for d, overlap in overlaps.items()} for pair in pairs},
    )
