"""Why queries are hard: the reasons of each model and direction, and what is taken for what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ModelExplanation,
    ReasonCount,
)
from error_analysis.explaining.query_reasons import n_explained
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.reasons.images.confusion_matrix import ConfusionMatrix
from error_analysis.site.base.label_names import confusion_name
from information_retrieval.ranking.query_ranks import Direction

MOST_CATEGORIES = 20  # of a confusion matrix


@dataclass(frozen=True)
class ReasonGroup:
    """The reasons of one model and direction.

    Attributes:
        n_hard, n_explained: hard queries, and those of them that have a reason.
        counts: of each reason, most hard queries first.
        regions: queries by verdict, of detector or matcher; None: not looked for.
        confusions: of the objects that are confused most, of `n_categories`; None: none, or not
            looked for.
    """

    model: str
    direction: Direction
    n_hard: int
    n_explained: int
    counts: tuple[ReasonCount, ...]
    regions: dict[str, int] | None
    confusions: ConfusionMatrix | None
    n_categories: int

    def confusion(self, row: int, column: int) -> tuple[int, float, str]:
        """Return the queries of a cell, its shade from 0 to 1, and its name in labels."""
        assert self.confusions is not None
        counts, names = self.confusions.counts, self.confusions.categories
        n = int(counts[row, column])
        return n, n / max(1, int(counts.max())), confusion_name(names[row], names[column])


def reason_groups(
    models: Sequence[ModelRankings], explained: Mapping[str, ModelExplanation]
) -> list[ReasonGroup]:
    """Return the reasons of each model, by its name, and direction; of others none."""
    return [
        _group(model.name, direction, found)
        for model in models
        if model.name in explained
        for direction, found in explained[model.name].directions.items()
    ]


def _group(model: str, direction: Direction, found: DirectionExplanation) -> ReasonGroup:
    matrix = confusion_matrix(found)
    return ReasonGroup(
        model,
        direction,
        len(found.hard),
        n_explained(found),
        found.counts,
        found.regions,
        matrix and matrix.largest(MOST_CATEGORIES),
        len(matrix.categories) if matrix else 0,
    )


def confusion_matrix(found: DirectionExplanation) -> ConfusionMatrix | None:
    """Return the confusions as a matrix, by name; None where there are none."""
    if not found.confusions:
        return None
    names = sorted({name for *pair, _ in found.confusions for name in pair})
    counts = np.zeros((len(names), len(names)), np.int64)
    for in_image, instead, n_queries in found.confusions:
        counts[names.index(in_image), names.index(instead)] = n_queries
    return ConfusionMatrix(tuple(names), counts, len(found.hard))
