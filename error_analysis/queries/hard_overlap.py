"""How far the hard queries of several models are the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

MOST_TOLD = 16  # combinations, those of four models, that are told as text


@dataclass(frozen=True)
class HardOverlap:
    """The hard queries of one direction under several models.

    Attributes:
        n_queries: all queries.
        n_hard: by model.
        combinations: how many queries are hard for exactly these models, by the models' names in
            order; () has those hard for none. Every query is counted once; combinations that no
            query has are left out.
        jaccard: by pair of models, the queries hard for both out of those hard for either; None
            where there are none.
    """

    n_queries: int
    n_hard: dict[str, int]
    combinations: dict[tuple[str, ...], int]
    jaccard: dict[tuple[str, str], float | None]


def hard_overlap(
    galleries: Sequence[Sequence[ModelRankings]], hard_rank: int = HARD_RANK
) -> dict[Direction, HardOverlap]:
    """Count the overlap of the models' hard queries (rank >= `hard_rank`, expected ties).

    Args:
        galleries: of each gallery, such as a fold, the same models; their queries are counted
            together.
    """
    names = [model.name for model in galleries[0]]
    overlaps = {}
    for direction in DIRECTIONS:
        hard = [
            np.stack([model.query_ranks(direction).ranks() >= hard_rank for model in models])
            for models in galleries
        ]
        overlaps[direction] = overlap_of(names, np.concatenate(hard, axis=1))
    return overlaps


def overlap_of(names: Sequence[str], hard: np.ndarray) -> HardOverlap:
    """Count the overlap from `hard` (n_models, n_queries) bool."""
    kinds, counts = np.unique(hard, axis=1, return_counts=True)  # (n_models, n_kinds), (n_kinds,)
    found = {
        tuple(name for name, is_hard in zip(names, kind, strict=True) if is_hard): int(count)
        for kind, count in zip(kinds.T, counts, strict=True)
    }
    jaccard = {}
    for i, j in combinations(range(len(names)), 2):
        either = int(np.count_nonzero(hard[i] | hard[j]))
        both = int(np.count_nonzero(hard[i] & hard[j]))
        jaccard[names[i], names[j]] = both / either if either else None
    return HardOverlap(
        n_queries=hard.shape[1],
        n_hard=dict(zip(names, hard.sum(axis=1).tolist(), strict=True)),
        combinations=dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0]))),
        jaccard=jaccard,
    )


def overlap_to_json(overlap: HardOverlap) -> dict:
    """Return an overlap as JSON: combinations and pairs are lists, as names may hold anything."""
    return {
        "queries": overlap.n_queries,
        "hard": overlap.n_hard,
        "combinations": [
            {"hard_for": list(names), "queries": n} for names, n in overlap.combinations.items()
        ],
        "jaccard": [{"models": list(pair), "value": v} for pair, v in overlap.jaccard.items()],
    }


def overlap_lines(overlap: HardOverlap, rule: str) -> list[str]:
    """Return an overlap as lines of text; `rule` tells which queries are hard: "rank >= 10".

    Of more than `MOST_TOLD` combinations or pairs of models the largest are told.
    """
    by_size = sorted(overlap.combinations.items(), key=lambda one: -one[1])
    told_of = dict(by_size[:MOST_TOLD])
    lines = [
        f"hard ({rule}) for {_only(names)}: {n:,} of {overlap.n_queries:,}"
        for names, n in overlap.combinations.items()
        if names in told_of
    ]
    if others := by_size[MOST_TOLD:]:
        n_queries = sum(n for _, n in others)
        lines.append(f"{len(others)} other combinations: {n_queries:,} of {overlap.n_queries:,}")
    alike = list(overlap.jaccard.items())
    if len(alike) > MOST_TOLD:
        alike = sorted(alike, key=lambda one: -(one[1] or 0))[:MOST_TOLD]
    for (first, second), value in alike:
        told = "undefined, no query is hard for either" if value is None else f"{value:.2f}"
        lines.append(f"Jaccard of {first} and {second}: {told}")
    return lines


def _only(names: tuple[str, ...]) -> str:
    if not names:
        return "no model"
    return f"{names[0]} alone" if len(names) == 1 else f"exactly {', '.join(names)}"
