"""What was found of one model and direction: what predicts its hard queries, and their clusters."""

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
from error_analysis.predicting.hard_clusters import (
    HardClusters,
    cluster_queries,
    clusters_to_json,
    clusters_to_text,
    query_texts,
)
from error_analysis.predicting.query_features import QueryFeatures
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.query_ranks import Direction

N_CLUSTERS = 6


@dataclass(frozen=True)
class Findings:
    """What was found of one model and direction.

    Attributes:
        texts: what each query says.
        ids: (n_queries,) int64, of the queries' captions or images.
        difficulty: None where `too_few` tells why there is none.
    """

    texts: tuple[str, ...]
    ids: np.ndarray
    difficulty: Difficulty | None
    too_few: str | None
    clusters: HardClusters

    def to_json(self) -> dict:
        return {
            "difficulty": self.difficulty and difficulty_to_json(self.difficulty),
            "too_few": self.too_few,
            **clusters_to_json(self.clusters, self.texts, self.ids),
        }

    def to_text(self) -> str:
        told = difficulty_table(self.difficulty) if self.difficulty else self.too_few
        if not self.clusters.clusters:
            return f"{told}\nno cluster of hard queries"
        return f"{told}\nhard queries by what they say, the most typical first:\n" + (
            clusters_to_text(self.clusters, self.texts)
        )


def find(
    folds: Sequence[ModelRankings],
    direction: Direction,
    features: QueryFeatures,
    hard_rank: int = HARD_RANK,
    n_clusters: int = N_CLUSTERS,
    seed: int = 0,
) -> Findings:
    """Find what predicts the hard queries of one model and direction, and cluster them.

    Args:
        folds: the model's galleries of one protocol.
        features: of the queries of all folds, in this order.
    """
    ranks = np.concatenate([fold.query_ranks(direction).ranks() for fold in folds])
    hard = ranks >= hard_rank
    texts = tuple(text for fold in folds for text in query_texts(fold.gallery, direction))
    galleries = [fold.gallery for fold in folds]
    ids = [g.image_ids if direction == "i2t" else g.caption_ids for g in galleries]
    reason = too_few(features, hard)
    return Findings(
        texts=texts,
        ids=np.concatenate(ids),
        difficulty=None if reason else predict_difficulty(features, hard, seed),
        too_few=reason,
        clusters=cluster_queries(texts, np.flatnonzero(hard), n_clusters, seed),
    )
