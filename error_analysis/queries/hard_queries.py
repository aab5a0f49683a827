"""What is hard, what is easy, and which queries of a model are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Query, describe_queries
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError

HARD_RANK = 10


@dataclass(frozen=True)
class MinedQueries:
    """The hard and easy queries of one direction, and how many there were before sampling.

    `n_by_chance` counts those, hard or not, that are hard in some orders of ties only.
    """

    hard: tuple[Query, ...]
    easy: tuple[Query, ...]
    n_queries: int
    n_hard: int
    n_easy: int
    n_by_chance: int


def hard_indices(ranks: np.ndarray, hard_rank: int = HARD_RANK) -> np.ndarray:
    """Return the queries without a ground truth in the top `hard_rank`, ascending, (n,) int64.

    Args:
        ranks: (n_queries,) float64, expected.
    """
    return np.flatnonzero(ranks >= hard_rank)


def easy_indices(ranks: np.ndarray) -> np.ndarray:
    """Return the queries whose ground truth is first, and tied with nothing, ascending."""
    return np.flatnonzero(ranks == 0)


def worst_first(indices: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Return `indices` by descending rank, those of equal rank in their order."""
    return indices[np.argsort(-ranks[indices], kind="stable")]


def sample_indices(indices: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    """Draw `size` of `indices` (all, if there are fewer) without replacement, ascending."""
    if len(indices) <= size:
        return indices
    return np.sort(generator.choice(indices, size, replace=False))


def mine(
    model: ModelRankings,
    hard_rank: int = HARD_RANK,
    sample: int | None = None,
    generator: np.random.Generator | None = None,
) -> dict[Direction, MinedQueries]:
    """Find the hard and easy queries of a model, both directions, in the order of the gallery.

    Args:
        hard_rank: 0-based rank from which on a query is hard.
        sample: queries drawn with `generator` for each direction and kind; None: all.

    Raises:
        InputError: `hard_rank` or `sample` is below 1.
    """
    for option, value in (("--hard_rank", hard_rank), ("--sample", sample)):
        if value is not None and value < 1:
            raise InputError(f"{option}: expected at least 1, found {value}")
    mined = {}
    for direction in DIRECTIONS:
        queries = model.query_ranks(direction)
        ranks, by_chance = queries.ranks(), queries.by_chance(hard_rank)
        hard, easy = hard_indices(ranks, hard_rank), easy_indices(ranks)
        shown = [hard, easy]
        if sample is not None:
            assert generator is not None, "a sample is drawn with a generator"
            shown = [sample_indices(indices, sample, generator) for indices in shown]
        hard_queries, easy_queries = (
            tuple(describe_queries(model, direction, indices)) for indices in shown
        )
        mined[direction] = MinedQueries(
            hard_queries, easy_queries, len(ranks), len(hard), len(easy), int(by_chance.sum())
        )
    return mined


def count_mined(galleries: Sequence[dict[Direction, MinedQueries]]) -> dict[Direction, dict]:
    """Count the queries of one or several galleries together, by direction."""
    return {
        direction: {
            "queries": sum(m[direction].n_queries for m in galleries),
            "hard": sum(m[direction].n_hard for m in galleries),
            "easy": sum(m[direction].n_easy for m in galleries),
            "by_chance": sum(m[direction].n_by_chance for m in galleries),
            "hard_written": sum(len(m[direction].hard) for m in galleries),
            "easy_written": sum(len(m[direction].easy) for m in galleries),
        }
        for direction in DIRECTIONS
    }
