"""Galleries of failures: which queries are shown, and what each model made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from error_analysis.explaining.explanations import ExplainedQuery, ModelExplanation
from error_analysis.queries.hard_queries import HARD_RANK, hard_indices, worst_first
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Item, Query, describe_queries
from error_analysis.queries.wins import WinRule, win_indices
from error_analysis.site.base.links import model_slugs, query_key
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction


@dataclass(frozen=True)
class Card:
    """One query under every model.

    Attributes:
        anchor: unique among the galleries.
        item: the query.
        views: one a model, in the order of the models.
        explained: why it is hard; None where that was not looked for.
    """

    anchor: str
    item: Item
    views: tuple[Query, ...]
    explained: ExplainedQuery | None = None

    def image_ids(self) -> set[int]:
        """Return the images that the card shows."""
        shown = {self.item.image_id}
        for view in self.views:
            if view.direction == "t2i":
                shown.update(document.item.image_id for document in view.retrieved)
        return shown

    def also_in(self, position: int, item: Item) -> list[tuple[int, int]]:
        """Return the other models that list a document, each with its 0-based place there.

        Args:
            position: of the model in whose list the document is looked at.
        """
        return [
            (other, place)
            for other, view in enumerate(self.views)
            for place, document in enumerate(view.retrieved)
            if other != position and document.item == item
        ]


@dataclass(frozen=True)
class FailureGallery:
    """Queries of one direction that fail in one way.

    Attributes:
        anchor: unique among the galleries.
        title: the failure, such as "Hard for clip".
        rule: the failure as the end of the sentence "32 of 165 queries ...".
        order: how the shown ones were chosen.
        n_queries, n_found: all queries of the direction, and those that fail so.
        cards: the shown ones, worst first.
    """

    anchor: str
    title: str
    direction: Direction
    rule: str
    order: str
    n_queries: int
    n_found: int
    cards: tuple[Card, ...]


def make_cards(
    models: Sequence[ModelRankings],
    direction: Direction,
    indices: Sequence[int],
    gallery: str = "query",
    explained: ModelExplanation | None = None,
) -> tuple[Card, ...]:
    """Look up queries under every model.

    Args:
        models: 1..n models that scored one gallery.
        indices: rows (i2t) or columns (t2i) of the scores; the result is in their order.
        gallery: begins the cards' anchors.
        explained: why queries are hard for one of the models.
    """
    reasons = explained.directions[direction].by_query() if explained else {}
    looked_up = [describe_queries(model, direction, indices) for model in models]
    cards = []
    for views in zip(*looked_up, strict=True):
        item = views[0].item
        anchor = f"{gallery}_{query_key(direction, item.own_id)}"
        cards.append(Card(anchor, item, views, reasons.get(item.own_id)))
    return tuple(cards)


def _gallery(
    models: Sequence[ModelRankings],
    direction: Direction,
    chosen: np.ndarray,
    max_queries: int,
    anchor: str,
    **description: str,
) -> FailureGallery:
    """Make the gallery of the `chosen` queries (n_found,) int64, worst first."""
    return FailureGallery(
        anchor=anchor,
        direction=direction,
        n_queries=len(models[0].query_ranks(direction).higher),
        n_found=len(chosen),
        cards=make_cards(models, direction, chosen[:max_queries].tolist(), anchor),
        **description,
    )


def hard_galleries(
    models: Sequence[ModelRankings], max_queries: int, hard_rank: int = HARD_RANK
) -> list[FailureGallery]:
    """Return the hard queries of each model and direction, worst rank first.

    Args:
        max_queries: cards of a gallery.
        hard_rank: 0-based rank from which on a query is hard.
    """
    galleries = []
    slugs = model_slugs([model.name for model in models])
    for name, model in zip(slugs, models, strict=True):
        for direction in DIRECTIONS:
            ranks = model.query_ranks(direction).ranks()
            galleries.append(
                _gallery(
                    models,
                    direction,
                    worst_first(hard_indices(ranks, hard_rank), ranks),
                    max_queries,
                    anchor=f"hard_{name}_{direction}",
                    title=f"Hard for {model.name}",
                    rule=f"have no ground truth in the top {hard_rank} of {model.name}",
                    order="worst rank first",
                )
            )
    return galleries


def win_galleries(
    models: Sequence[ModelRankings], max_queries: int, rule: WinRule | None = None
) -> list[FailureGallery]:
    """Return the queries where one model beats another, largest difference first.

    Args:
        max_queries: cards of a gallery.
    """
    rule = rule or WinRule()
    galleries = []
    slugs = model_slugs([model.name for model in models])
    for (i, better), (j, worse) in permutations(zip(slugs, models, strict=True), 2):
        for direction in DIRECTIONS:
            ranks, others = (m.query_ranks(direction).ranks() for m in (better, worse))
            galleries.append(
                _gallery(
                    models,
                    direction,
                    worst_first(win_indices(ranks, others, rule), others - ranks),
                    max_queries,
                    anchor=f"wins_{i}_{j}_{direction}",
                    title=f"{better.name} beats {worse.name}",
                    rule=(
                        f"rank in the top {rule.max_rank} of {better.name}, and at least "
                        f"{rule.margin} places worse under {worse.name}"
                    ),
                    order="largest difference first",
                )
            )
    return galleries
