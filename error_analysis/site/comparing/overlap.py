"""Which models the hard queries are hard for: of two a table, of more an UpSet figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.hard_overlap import hard_overlap
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.comparing.alone import Alone, find_alone
from error_analysis.site.comparing.upset import LEAST_MODELS, Upset, find_upsets
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True)
class Combination:
    """Queries, by direction, that are hard for exactly these models."""

    models: tuple[str, ...]
    queries: dict[Direction, int]


@dataclass(frozen=True)
class Overlap:
    """The hard queries of two or more models.

    Attributes:
        combinations: of two models, those that any query has, most queries first; what is hard for
            no model comes last. Of more models none: they are in `upsets`.
        upsets, alone: of more than two models; else empty, and None.
        jaccard: by pair of models and direction, the queries hard for both out of those hard for
            either; None where there are none.
    """

    combinations: tuple[Combination, ...]
    upsets: tuple[Upset, ...]
    alone: Alone | None
    jaccard: dict[tuple[str, str], dict[Direction, float | None]]

    @property
    def largest(self) -> int:
        """The most queries that any combination of one model or more has in a direction."""
        counts = [n for one in self.combinations if one.models for n in one.queries.values()]
        return max(counts, default=0)

    def jaccard_of(self, one: str, other: str, direction: Direction) -> float | None:
        """Return the index of two models in either order; None of a model with itself, too."""
        pair = (one, other) if (one, other) in self.jaccard else (other, one)
        return self.jaccard[pair][direction] if pair in self.jaccard else None


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
    pairs = overlaps["i2t"].jaccard
    return Overlap(
        tuple(found) if len(models) < LEAST_MODELS else (),
        find_upsets(overlaps),
        find_alone(overlaps),
        {pair: {d: overlap.jaccard[pair] for d, overlap in overlaps.items()} for pair in pairs},
    )
