"""What all models miss, and what one alone finds or misses."""

from collections.abc import Mapping
from dataclasses import dataclass

from error_analysis.queries.hard_overlap import HardOverlap
from error_analysis.site.comparing.upset import LEAST_MODELS
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True)
class Alone:
    """Queries by direction.

    Attributes:
        found_by_all, missed_by_all: hard for no model, and for every one.
        found, missed: by model, those that it alone finds, and those that it alone misses.
    """

    found_by_all: dict[Direction, int]
    missed_by_all: dict[Direction, int]
    found: dict[str, dict[Direction, int]]
    missed: dict[str, dict[Direction, int]]


def find_alone(overlaps: Mapping[Direction, HardOverlap]) -> Alone | None:
    """Count them; None of fewer than `LEAST_MODELS` models, whose overlap has all of it."""
    names = tuple(next(iter(overlaps.values())).n_hard)
    if len(names) < LEAST_MODELS:
        return None

    def count(models: tuple[str, ...]) -> dict[Direction, int]:
        return {d: overlap.combinations.get(models, 0) for d, overlap in overlaps.items()}

    def others(name: str) -> tuple[str, ...]:
        return tuple(other for other in names if other != name)

    return Alone(
        count(()),
        count(names),
        {name: count(others(name)) for name in names},
        {name: count((name,)) for name in names},
    )
