"""Galleries of failures: which queries are shown, and what each model made of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np

from error_analysis.explaining.explanations import ExplainedQuery, ModelExplanation
from error_analysis.queries.hard_queries import HARD_RANK, hard_indices, worst_first
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import Item, Query, describe_queries
from error_analysis.queries.wins import WinRule, win_indices
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction

Kind = Literal["hard", "wins", "reason"]


@dataclass(frozen=True)
class Card:
    """One query under every model.

    Attributes:
        anchor: the failing model, the direction and the query's id: the same in every gallery and
            in every report of these models.
        item: the query.
        views: one a model, in the order of the models.
        position: of the failing model among them.
        explained: why it is hard; None where that was not looked for.
    """

    anchor: str
    item: Item
    views: tuple[Query, ...]
    position: int
    explained: ExplainedQuery | None = None

    @property
    def rank(self) -> float:
        """The query's rank under the failing model."""
        return self.views[self.position].rank

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
        kind: what the galleries are sorted by.
        anchor: unique among the galleries.
        title: the failure, such as "Hard for clip".
        rule: the failure as the end of the sentence "32 of 165 queries ...".
        order: how the shown ones were chosen.
        position: of the failing model.
        n_queries, n_found: all queries of the direction, and those that fail so.
        cards: the shown ones, worst first.
    """

    kind: Kind
    anchor: str
    title: str
    direction: Direction
    rule: str
    order: str
    position: int
    n_queries: int
    n_found: int
    cards: tuple[Card, ...]


def slug(text: str) -> str:
    """Return lower-case letters, digits and hyphens that stand for a text in addresses."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "x"


def model_slugs(names: Sequence[str]) -> list[str]:
    """Return one slug a model, unique: of those that are alike, later ones get a number."""
    found: list[str] = []
    for name in names:
        own, number = slug(name), 2
        while own in found:
            own, number = f"{slug(name)}-{number}", number + 1
        found.append(own)
    return found


class Galleries:
    """Makes the galleries of some models; a query is looked up once, in however many it is.

    Args:
        models: 1..n models that scored one gallery.
        max_queries: cards of a gallery.
        explained: why queries are hard, by the name of the model.
    """

    def __init__(
        self,
        models: Sequence[ModelRankings],
        max_queries: int,
        explained: Mapping[str, ModelExplanation] | None = None,
    ):
        self._models, self._max_queries = models, max_queries
        self._slugs = model_slugs([model.name for model in models])
        self._explained = explained or {}
        self._views: dict[tuple[Direction, int], tuple[Query, ...]] = {}

    def _ranks(self, position: int, direction: Direction) -> np.ndarray:
        return self._models[position].query_ranks(direction).ranks()

    def _look_up(self, direction: Direction, indices: Sequence[int]) -> list[tuple[Query, ...]]:
        new = [index for index in indices if (direction, index) not in self._views]
        views = [describe_queries(model, direction, new) for model in self._models]
        for index, same in zip(new, zip(*views, strict=True), strict=True):
            self._views[direction, index] = same
        return [self._views[direction, index] for index in indices]

    def _gallery(
        self,
        position: int,
        direction: Direction,
        chosen: np.ndarray,
        kind: Kind,
        **description: str,
    ) -> FailureGallery:
        """Make the gallery of the `chosen` queries (n_found,) int64, worst first."""
        model = self._models[position]
        explained = self._explained.get(model.name)
        by_query = explained.directions[direction].by_query() if explained else {}
        cards = []
        for views in self._look_up(direction, chosen[: self._max_queries].tolist()):
            item = views[0].item
            query_id = item.image_id if item.caption_id is None else item.caption_id
            anchor = f"{self._slugs[position]}-{direction}-{query_id}"
            cards.append(Card(anchor, item, views, position, by_query.get(query_id)))
        return FailureGallery(
            kind=kind,
            direction=direction,
            position=position,
            n_queries=len(model.query_ranks(direction).higher),
            n_found=len(chosen),
            cards=tuple(cards),
            **description,
        )

    def hard(self, hard_rank: int = HARD_RANK) -> list[FailureGallery]:
        """Return the hard queries of each model and direction, worst rank first."""
        galleries = []
        for position, model in enumerate(self._models):
            for direction in DIRECTIONS:
                ranks = self._ranks(position, direction)
                galleries.append(
                    self._gallery(
                        position,
                        direction,
                        worst_first(hard_indices(ranks, hard_rank), ranks),
                        kind="hard",
                        anchor=f"hard_{self._slugs[position]}_{direction}",
                        title=f"Hard for {model.name}",
                        rule=f"have no ground truth in the top {hard_rank} of {model.name}",
                        order="worst rank first",
                    )
                )
        return galleries

    def wins(self, rule: WinRule | None = None) -> list[FailureGallery]:
        """Return the queries where one model beats another, largest difference first."""
        rule = rule or WinRule()
        galleries = []
        for (i, better), (j, worse) in permutations(enumerate(self._models), 2):
            for direction in DIRECTIONS:
                ranks, others = self._ranks(i, direction), self._ranks(j, direction)
                galleries.append(
                    self._gallery(
                        j,
                        direction,
                        worst_first(win_indices(ranks, others, rule), others - ranks),
                        kind="wins",
                        anchor=f"wins_{self._slugs[i]}_{self._slugs[j]}_{direction}",
                        title=f"{better.name} beats {worse.name}",
                        rule=(
                            f"rank in the top {rule.max_rank} of {better.name}, and at least "
                            f"{rule.margin} places worse under {worse.name}"
                        ),
                        order="largest difference first",
                    )
                )
        return galleries

    def reasons(self) -> list[FailureGallery]:
        """Return the hard queries of each model, direction and reason, worst rank first."""
        galleries = []
        for position, model in enumerate(self._models):
            if model.name not in self._explained:
                continue
            for direction, found in self._explained[model.name].directions.items():
                index_of = self._index_of(direction)
                for name in [count.name for count in found.counts if count.hard]:
                    chosen = [
                        index_of[query.query_id]
                        for query in found.hard
                        if any(reason.name == name for reason in query.reasons)
                    ]
                    galleries.append(
                        self._gallery(
                            position,
                            direction,
                            np.array(chosen, np.int64),
                            kind="reason",
                            anchor=f"reason_{slug(name)}_{self._slugs[position]}_{direction}",
                            title=f"{name[:1].upper()}{name[1:]}, hard for {model.name}",
                            rule=f"are hard for {model.name} and have the reason “{name}”",
                            order="worst rank first",
                        )
                    )
        return galleries

    def _index_of(self, direction: Direction) -> dict[int, int]:
        rankings = self._models[0].rankings
        ids = rankings.image_ids if direction == "i2t" else rankings.caption_ids
        return {query_id: index for index, query_id in enumerate(ids.tolist())}


def hard_galleries(
    models: Sequence[ModelRankings], max_queries: int, hard_rank: int = HARD_RANK
) -> list[FailureGallery]:
    """Return the hard queries of each model and direction, worst rank first."""
    return Galleries(models, max_queries).hard(hard_rank)


def win_galleries(
    models: Sequence[ModelRankings], max_queries: int, rule: WinRule | None = None
) -> list[FailureGallery]:
    """Return the queries where one model beats another, largest difference first."""
    return Galleries(models, max_queries).wins(rule)


def shown_image_ids(galleries: Iterable[FailureGallery]) -> list[int]:
    """Return the images that the galleries show, ascending."""
    return sorted({i for gallery in galleries for card in gallery.cards for i in card.image_ids()})
