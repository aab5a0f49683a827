"""Galleries of failures: which queries are shown, and what each model made of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from error_analysis.comparison import WinRule, win_indices
from error_analysis.mining import HARD_RANK, hard_indices, worst_first
from error_analysis.model_rankings import ModelRankings
from error_analysis.queries import Item, Query, describe_queries
from information_retrieval.metrics import DIRECTIONS, Direction


@dataclass(frozen=True)
class Card:
    """One query under every model.

    Attributes:
        anchor: unique in the page.
        item: the query.
        views: one a model, in the order of the models.
    """

    anchor: str
    item: Item
    views: tuple[Query, ...]

    def image_ids(self) -> set[int]:
        """Return the images that the card shows."""
        shown = {self.item.image_id}
        for view in self.views:
            if view.direction == "t2i":
                shown.update(document.item.image_id for document in view.retrieved)
        return shown


@dataclass(frozen=True)
class FailureGallery:
    """Queries of one direction that fail in one way.

    Attributes:
        anchor: unique in the page.
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


def make_gallery(
    models: Sequence[ModelRankings],
    direction: Direction,
    chosen: np.ndarray,
    max_queries: int,
    **description: str,
) -> FailureGallery:
    """Look up the first `max_queries` of the `chosen` queries under every model.

    Args:
        chosen: (n_found,) int64, the failing queries, worst first.
        description: anchor, title, rule and order of the gallery.
    """
    shown = chosen[:max_queries]
    views = [describe_queries(model, direction, shown) for model in models]
    cards = tuple(
        Card(f"{description['anchor']}-{_item_id(same[0].item)}", same[0].item, same)
        for same in zip(*views, strict=True)
    )
    n_queries = len(models[0].query_ranks(direction).higher)
    return FailureGallery(
        direction=direction, n_queries=n_queries, n_found=len(chosen), cards=cards, **description
    )


def _item_id(item: Item) -> int:
    return item.image_id if item.caption_id is None else item.caption_id


def hard_galleries(
    models: Sequence[ModelRankings], max_queries: int, hard_rank: int = HARD_RANK
) -> list[FailureGallery]:
    """Return the hard queries of each model and direction, worst rank first."""
    galleries = []
    for position, model in enumerate(models):
        for direction in DIRECTIONS:
            ranks = model.query_ranks(direction).ranks()
            galleries.append(
                make_gallery(
                    models,
                    direction,
                    worst_first(hard_indices(ranks, hard_rank), ranks),
                    max_queries,
                    anchor=f"hard-{position}-{direction}",
                    title=f"Hard for {model.name}",
                    rule=f"have no ground truth in the top {hard_rank} of {model.name}",
                    order="worst rank first",
                )
            )
    return galleries


def win_galleries(
    models: Sequence[ModelRankings], max_queries: int, rule: WinRule | None = None
) -> list[FailureGallery]:
    """Return the queries where one model beats another, largest difference first."""
    rule = rule or WinRule()
    galleries = []
    for (i, better), (j, worse) in permutations(enumerate(models), 2):
        for direction in DIRECTIONS:
            ranks = [model.query_ranks(direction).ranks() for model in (better, worse)]
            galleries.append(
                make_gallery(
                    models,
                    direction,
                    worst_first(win_indices(*ranks, rule), ranks[1] - ranks[0]),
                    max_queries,
                    anchor=f"wins-{i}-{j}-{direction}",
                    title=f"{better.name} beats {worse.name}",
                    rule=(
                        f"rank in the top {rule.max_rank} of {better.name}, and at least "
                        f"{rule.margin} places worse under {worse.name}"
                    ),
                    order="largest difference first",
                )
            )
    return galleries


def shown_image_ids(galleries: Iterable[FailureGallery]) -> list[int]:
    """Return the images that the galleries show, ascending."""
    return sorted({i for gallery in galleries for card in gallery.cards for i in card.image_ids()})
