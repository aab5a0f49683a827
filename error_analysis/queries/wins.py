"""Wins: when one model beats another on a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, check_same_gallery
from error_analysis.queries.query import Query, describe_queries
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction
from preprocess.base.errors import InputError

MAX_RANK = 10
MARGIN = 10


@dataclass(frozen=True)
class WinRule:
    """When a model beats another on a query: better rank < `max_rank`, difference >= `margin`.

    Raises:
        InputError: a value is below 1.
    """

    max_rank: int = MAX_RANK
    margin: int = MARGIN

    def __post_init__(self) -> None:
        for option, value in (("--max_rank", self.max_rank), ("--margin", self.margin)):
            if value < 1:
                raise InputError(f"{option}: expected at least 1, found {value}")


def win_indices(better: np.ndarray, worse: np.ndarray, rule: WinRule) -> np.ndarray:
    """Return the queries that `better` wins, ascending, (n,) int64.

    Args:
        better, worse: (n_queries,) float64, the expected ranks of two models.
    """
    return np.flatnonzero((better < rule.max_rank) & (worse - better >= rule.margin))


@dataclass(frozen=True, slots=True)
class Win:
    """One query under the model that ranks it well, and under the one that does not."""

    better: Query
    worse: Query


@dataclass(frozen=True)
class Comparison:
    """The queries where the model `better` beats the model `worse`, by direction."""

    better: str
    worse: str
    wins: dict[Direction, tuple[Win, ...]]


def compare(
    models: Sequence[ModelRankings], rule: WinRule | None = None, most: int | None = None
) -> list[Comparison]:
    """Compare every ordered pair of models, queries in the order of the gallery.

    Args:
        most: wins of an ordered pair and direction, those of the largest difference; None: all.

    Raises:
        InputError: the models scored different galleries.
    """
    rule = rule or WinRule()
    check_same_gallery(models)
    comparisons = []
    for better, worse in permutations(models, 2):
        wins = {}
        for direction in DIRECTIONS:
            pair = (better, worse)
            ranks, others = (model.query_ranks(direction).ranks() for model in pair)
            won = win_indices(ranks, others, rule)
            if most is not None:
                largest = np.argsort((ranks - others)[won], kind="stable")[:most]
                won = np.sort(won[largest])
            views = (describe_queries(model, direction, won) for model in pair)
            wins[direction] = tuple(Win(*same) for same in zip(*views, strict=True))
        comparisons.append(Comparison(better.name, worse.name, wins))
    return comparisons
