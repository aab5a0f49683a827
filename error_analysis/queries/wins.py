"""Wins: when one model beats another on a query, and how often."""

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


@dataclass(frozen=True)
class WinCount:
    """How many queries `better` wins against `worse`, by direction."""

    better: str
    worse: str
    counts: dict[Direction, int]


def win_indices(better: np.ndarray, worse: np.ndarray, rule: WinRule) -> np.ndarray:
    """Return the queries that `better` wins, ascending, (n,) int64.

    Args:
        better, worse: (n_queries,) float64, the expected ranks of two models.
    """
    return np.flatnonzero((better < rule.max_rank) & (worse - better >= rule.margin))


def count_wins(
    galleries: Sequence[Sequence[ModelRankings]], rule: WinRule | None = None
) -> list[WinCount]:
    """Count the wins of every ordered pair of models, without looking the queries up.

    Of two runs of one model this is the noise floor: the wins that chance gives.

    Args:
        galleries: of each gallery, such as a fold, the same models; their wins are added up.
    """
    rule = rule or WinRule()
    for models in filter(None, galleries):
        check_same_gallery(models)
    counted = []
    for better, worse in permutations(range(len(galleries[0])), 2):
        counts: dict[Direction, int] = {}
        for direction in DIRECTIONS:
            pairs = ([g[i].query_ranks(direction) for i in (better, worse)] for g in galleries)
            counts[direction] = sum(
                len(win_indices(one.ranks(), other.ranks(), rule)) for one, other in pairs
            )
        counted.append(WinCount(galleries[0][better].name, galleries[0][worse].name, counts))
    return counted


def counts_to_json(counted: Sequence[WinCount]) -> list[dict]:
    """Return counts of wins as JSON."""
    return [{"better": c.better, "worse": c.worse, **c.counts} for c in counted]


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


def compare(models: Sequence[ModelRankings], rule: WinRule | None = None) -> list[Comparison]:
    """Compare every ordered pair of models, queries in the order of the gallery.

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
            views = (describe_queries(model, direction, won) for model in pair)
            wins[direction] = tuple(Win(*same) for same in zip(*views, strict=True))
        comparisons.append(Comparison(better.name, worse.name, wins))
    return comparisons
