"""What was found of one model and direction: what predicts its hard queries, if anything does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.predicting.difficulty_model import (
    Difficulty,
    difficulty_table,
    difficulty_to_json,
    predict_difficulty,
    too_few,
)
from error_analysis.predicting.query_features import QueryFeatures
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True)
class Findings:
    """What was found of one model and direction.

    Attributes:
        difficulty: None where `too_few` tells why there is none.
    """

    difficulty: Difficulty | None
    too_few: str | None

    def to_json(self) -> dict:
        return {
            "difficulty": self.difficulty and difficulty_to_json(self.difficulty),
            "too_few": self.too_few,
        }

    def to_text(self) -> str:
        return difficulty_table(self.difficulty) if self.difficulty else str(self.too_few)


def find(
    folds: Sequence[ModelRankings],
    direction: Direction,
    features: QueryFeatures,
    hard_rank: int = HARD_RANK,
    seed: int = 0,
) -> Findings:
    """Find what predicts the hard queries of one model and direction.

    Args:
        folds: the model's galleries of one protocol.
        features: of the queries of all folds, in this order.
    """
    ranks = np.concatenate([fold.query_ranks(direction).ranks() for fold in folds])
    hard = ranks >= hard_rank
    reason = too_few(features, hard)
    return Findings(None if reason else predict_difficulty(features, hard, seed), reason)
