"""Plausible but unlabelled: what of a hard query's top documents suits it after all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.mining import HARD_RANK, hard_indices
from error_analysis.model_rankings import ModelRankings
from error_analysis.queries import N_RETRIEVED, Item, Query, describe_queries
from error_analysis.relevance.caption_similarity import LEAST_SHARE, CaptionSimilarity
from error_analysis.relevance.extended_metrics import gallery_positions
from error_analysis.relevance.extended_relevance import ExtendedRelevance, own_pairs
from information_retrieval.metrics import Direction

SIMILARITY = "caption similarity"


@dataclass(frozen=True, slots=True)
class PlausibleDocument:
    """A wrong document at the top of a query's list that suits the query.

    Attributes:
        place: 0-based, in the list.
        reasons: source -> why it suits, in words.
    """

    place: int
    item: Item
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class AuditedQuery:
    """A hard query, and the plausible ones of its top documents, best first."""

    query: Query
    plausible: tuple[PlausibleDocument, ...]


@dataclass(frozen=True)
class SourceCount:
    """What one source says of the hard queries of one model and direction.

    Attributes:
        n_labelled: hard queries that the source has labels for (all, for the similarity).
        n_extended: those of them for which it knows a suitable document beyond the split's own,
            anywhere in the gallery; None for the similarity.
        n_plausible: hard queries with such a document at the top of the list.
    """

    name: str
    n_labelled: int
    n_extended: int | None
    n_plausible: int


@dataclass(frozen=True)
class Audit:
    """The hard queries of one model and direction.

    Attributes:
        queries: those with a plausible document, in the order of the gallery.
        sources: one count for each source of labels, then that of the similarity.
    """

    model: str
    direction: Direction
    n_queries: int
    n_hard: int
    n_plausible: int
    queries: tuple[AuditedQuery, ...]
    sources: tuple[SourceCount, ...]


def audit(
    model: ModelRankings,
    direction: Direction,
    labels: Sequence[ExtendedRelevance],
    similarity: CaptionSimilarity,
    least_share: float = LEAST_SHARE,
) -> Audit:
    """Look for plausible documents in the top 10 of every hard query.

    Args:
        labels: of the model's gallery (see `ExtendedRelevance.restricted_to`).
        similarity: of the model's gallery.
        least_share: what a caption must share with an image's captions (see
            `caption_similarity`).
    """
    ranks = model.query_ranks(direction).ranks()
    hard = describe_queries(model, direction, hard_indices(ranks, HARD_RANK), N_RETRIEVED)
    own = own_pairs(model.gallery)
    known = {source.name: source.pairs() - own for source in labels}
    alike = _alike(model, hard, similarity, least_share)
    audited = []
    for position, query in enumerate(hard):
        documents = _plausible_documents(position, query, known, alike)
        if documents:
            audited.append(AuditedQuery(query, documents))
    counts = [_count(source, known[source.name], direction, hard, audited) for source in labels]
    counts.append(SourceCount(SIMILARITY, len(hard), None, _n_plausible(SIMILARITY, audited)))
    return Audit(
        model.name,
        direction,
        len(ranks),
        len(hard),
        len(audited),
        tuple(audited),
        tuple(counts),
    )


def _plausible_documents(
    position: int,
    query: Query,
    known: dict[str, set[tuple[int, int]]],
    alike: dict[tuple[int, int], str],
) -> tuple[PlausibleDocument, ...]:
    documents = []
    for place, retrieved in enumerate(query.retrieved):
        if retrieved.is_ground_truth:
            continue
        pair = _pair(query, retrieved.item)
        reasons = {
            name: f"{name} has caption {pair[1]} for image {pair[0]}"
            for name, pairs in known.items()
            if pair in pairs
        }
        if (position, place) in alike:
            reasons[SIMILARITY] = alike[position, place]
        if reasons:
            documents.append(PlausibleDocument(place, retrieved.item, reasons))
    return tuple(documents)


def _pair(query: Query, document: Item) -> tuple[int, int]:
    if query.direction == "i2t":
        return query.item.image_id, document.caption_id
    return document.image_id, query.item.caption_id


def _count(
    source: ExtendedRelevance,
    known: set[tuple[int, int]],
    direction: Direction,
    hard: list[Query],
    audited: list[AuditedQuery],
) -> SourceCount:
    extended = {pair[0] if direction == "i2t" else pair[1] for pair in known}
    ids = [_query_id(query) for query in hard]
    return SourceCount(
        source.name,
        sum(query in source.documents(direction) for query in ids),
        sum(query in extended for query in ids),
        _n_plausible(source.name, audited),
    )


def _query_id(query: Query) -> int:
    return query.item.image_id if query.direction == "i2t" else query.item.caption_id


def _n_plausible(source: str, audited: list[AuditedQuery]) -> int:
    return sum(any(source in d.reasons for d in one.plausible) for one in audited)


def _alike(
    model: ModelRankings, hard: list[Query], similarity: CaptionSimilarity, least_share: float
) -> dict[tuple[int, int], str]:
    """Return (position of a query, place of a document) -> why the two are alike."""
    keys, pairs = [], []
    images, captions = gallery_positions(model, "i2t")
    for position, query in enumerate(hard):
        for place, retrieved in enumerate(query.retrieved):
            if not retrieved.is_ground_truth:
                image_id, caption_id = _pair(query, retrieved.item)
                keys.append((position, place))
                pairs.append((captions[caption_id], images[image_id]))
    columns, rows = np.array(pairs, np.int64).reshape(-1, 2).T
    shares = similarity.shares(columns, rows)
    return {
        keys[n]: _in_words(model, similarity, *pairs[n], shares[n])
        for n in np.flatnonzero(shares >= least_share).tolist()
    }


def _in_words(
    model: ModelRankings, similarity: CaptionSimilarity, caption: int, image: int, share: float
) -> str:
    nearest = model.gallery.captions[similarity.nearest_caption(caption, image)]
    unsaid = similarity.unsaid(caption, image)
    but = f", but for {', '.join(unsaid)}" if unsaid else ""
    return f"{100 * share:.0f} % of the caption is said of the image{but}; nearest: {nearest!r}"
