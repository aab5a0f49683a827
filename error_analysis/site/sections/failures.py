"""How many queries fail: for each model, for which models at once, and for one and not another."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.hard_queries import hard_indices
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.comparing.overlap import Overlap, find_overlap
from error_analysis.site.sections.wins import NoiseFloor, Wins, find_wins
from error_analysis.statistics.proportions import wilson_interval
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction


@dataclass(frozen=True)
class HardCount:
    """The hard queries of one model and direction; percents of all, with their 95 % interval."""

    n_hard: int
    n_queries: int
    percent: float
    low: float
    high: float


@dataclass(frozen=True)
class Failures:
    """What fails: by model and direction; `overlap` and `wins` are None for one model."""

    hard: dict[str, dict[Direction, HardCount]]
    overlap: Overlap | None
    wins: Wins | None


def find_failures(
    models: Sequence[ModelRankings], hard_rank: int, noise: NoiseFloor | None = None
) -> Failures:
    """Count what fails under models of one gallery.

    Args:
        hard_rank: from which 0-based rank on a query is hard.
        noise: see `read_noise_floor`.
    """
    overlap = find_overlap(models, hard_rank)
    return Failures(count_hard(models, hard_rank), overlap, find_wins(models, noise))


def count_hard(
    models: Sequence[ModelRankings], hard_rank: int
) -> dict[str, dict[Direction, HardCount]]:
    """Count the hard queries (rank >= `hard_rank`, expected ties), by model and direction."""
    return {model.name: {d: _count(model, d, hard_rank) for d in DIRECTIONS} for model in models}


def _count(model: ModelRankings, direction: Direction, hard_rank: int) -> HardCount:
    ranks = model.query_ranks(direction).ranks()
    n_hard, n_queries = len(hard_indices(ranks, hard_rank)), len(ranks)
    low, high = wilson_interval(n_hard, n_queries)
    return HardCount(n_hard, n_queries, 100 * n_hard / n_queries, 100 * low, 100 * high)
