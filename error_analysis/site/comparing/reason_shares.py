"""Reasons by model: which share of each model's hard queries has which reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from error_analysis.explaining.explanations import DirectionExplanation, ModelExplanation
from error_analysis.explaining.query_reasons import n_explained
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.statistics.proportions import wilson_interval
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction


@dataclass(frozen=True)
class Share:
    """Hard queries with a reason: how many, in percent of the hard ones, with the 95 % interval."""

    n: int
    percent: float
    low: float
    high: float


@dataclass(frozen=True)
class ReasonShares:
    """The reasons of one direction, by model.

    Attributes:
        n_hard: by model that was explained, in the order of the models.
        rows: by reason and model, the reason of the most hard queries of all models first; None
            where the model has no hard query.
        without: by model, hard queries without any reason; None as in `rows`.
    """

    direction: Direction
    n_hard: dict[str, int]
    rows: dict[str, dict[str, Share | None]]
    without: dict[str, Share | None]


def find_reason_shares(
    models: Sequence[ModelRankings], explained: Mapping[str, ModelExplanation]
) -> tuple[ReasonShares, ...]:
    """Return the shares of each direction of which two models or more were explained."""
    found = []
    for direction in DIRECTIONS:
        of_models = {
            model.name: explained[model.name].directions[direction]
            for model in models
            if model.name in explained and direction in explained[model.name].directions
        }
        if len(of_models) > 1:
            found.append(_shares(direction, of_models))
    return tuple(found)


def _shares(direction: Direction, of_models: Mapping[str, DirectionExplanation]) -> ReasonShares:
    counts = {
        name: {count.name: count.hard for count in found.counts}
        for name, found in of_models.items()
    }
    n_hard = {name: len(found.hard) for name, found in of_models.items()}
    reasons = {reason for of_model in counts.values() for reason in of_model}

    def total(reason: str) -> int:
        return sum(of_model.get(reason, 0) for of_model in counts.values())

    return ReasonShares(
        direction,
        n_hard,
        {
            reason: {name: share(counts[name].get(reason, 0), n_hard[name]) for name in of_models}
            for reason in sorted(reasons, key=lambda reason: (-total(reason), reason))
            if total(reason)
        },
        {
            name: share(n_hard[name] - n_explained(found), n_hard[name])
            for name, found in of_models.items()
        },
    )


def share(part: int, whole: int) -> Share | None:
    """Return a share with Wilson's interval; None of nothing."""
    if not whole:
        return None
    low, high = wilson_interval(part, whole)
    return Share(part, 100 * part / whole, 100 * low, 100 * high)
