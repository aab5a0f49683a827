"""How often one model beats another on a query, and how sure that number is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, check_same_gallery
from error_analysis.queries.wins import WinRule, win_indices
from error_analysis.statistics.resampling import total_interval
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction


@dataclass(frozen=True)
class WinCount:
    """How many queries `better` wins against `worse`, by direction, each with its interval.

    The 95 % interval is of the number that as many other images, with their captions, would give.
    Where no second run of a model is at hand, it is a cheap noise floor: it has the chance that is
    in the images, and not that of training or of a prompt.
    """

    better: str
    worse: str
    counts: dict[Direction, int]
    intervals: dict[Direction, tuple[float, float]]


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
        intervals: dict[Direction, tuple[float, float]] = {}
        for direction in DIRECTIONS:
            pairs = [(models[better], models[worse]) for models in galleries]
            per_image = [_wins_per_image(*pair, direction, rule) for pair in pairs]
            n_queries = sum(len(one.query_ranks(direction).tied) for one, _ in pairs)
            counts[direction] = int(sum(wins.sum() for wins in per_image))
            # Always of one seed: the same rankings have the same file.
            intervals[direction] = total_interval(per_image, n_queries, np.random.default_rng(0))
        first, second = (galleries[0][i].name for i in (better, worse))
        counted.append(WinCount(first, second, counts, intervals))
    return counted


def _wins_per_image(
    better: ModelRankings, worse: ModelRankings, direction: Direction, rule: WinRule
) -> np.ndarray:
    """Return how many queries of each image `better` wins, (n_images,) int64."""
    ranks, others = (model.query_ranks(direction).ranks() for model in (better, worse))
    won = win_indices(ranks, others, rule)
    image = better.image_of_query(direction)[won]
    return np.bincount(image, minlength=len(better.rankings.image_ids))


def counts_to_json(counted: Sequence[WinCount]) -> list[dict]:
    """Return counts of wins as JSON, with [low, high] of each direction."""
    return [
        {"better": c.better, "worse": c.worse, **c.counts, "wins_interval": c.intervals}
        for c in counted
    ]
