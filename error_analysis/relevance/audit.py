"""Plausible but unlabelled: how many hard queries have a document at the top that suits them."""

from dataclasses import dataclass

from error_analysis.queries.hard_queries import HARD_RANK, hard_indices
from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.queries.query import N_RETRIEVED, Query, describe_queries
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from error_analysis.relevance.plausible_documents import (
    BY_CAPTIONS,
    PlausibleDocument,
    PlausibleDocuments,
    query_id,
)
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True, slots=True)
class AuditedQuery:
    """A hard query, and the plausible ones of its top documents, best first."""

    query: Query
    plausible: tuple[PlausibleDocument, ...]


@dataclass(frozen=True)
class SourceCount:
    """What one source says of the hard queries of one model and direction.

    Attributes:
        n_labelled: hard queries that the source has labels for as queries (all, for the captions).
        n_extended: those of them for which it knows a suitable document beyond the split's own,
            anywhere in the gallery; None for the captions.
        n_plausible: those of them with such a document at the top of the list.
        n_unlabelled_plausible: other hard queries with one, a pair labelled the other way round:
            of their lists little is judged, so they are no part of a share.
    """

    name: str
    n_labelled: int
    n_extended: int | None
    n_plausible: int
    n_unlabelled_plausible: int = 0


@dataclass(frozen=True)
class Audit:
    """The hard queries of one model and direction.

    Attributes:
        queries: those with a plausible document, in the order of the gallery.
        sources: one count for each source of labels, then that of the captions.
    """

    model: str
    direction: Direction
    n_queries: int
    n_hard: int
    n_plausible: int
    queries: tuple[AuditedQuery, ...]
    sources: tuple[SourceCount, ...]


def audit(model: ModelRankings, direction: Direction, documents: PlausibleDocuments) -> Audit:
    """Look for plausible documents in the top 10 of every hard query.

    Args:
        documents: of the model's gallery.
    """
    ranks = model.query_ranks(direction).ranks()
    hard = describe_queries(model, direction, hard_indices(ranks, HARD_RANK), N_RETRIEVED)
    looked_at = map(AuditedQuery, hard, documents.of(hard))
    audited = [query for query in looked_at if query.plausible]
    counts = [
        _count(source, documents.known[source.name], direction, hard, audited)
        for source in documents.labels
    ]
    counts.append(SourceCount(BY_CAPTIONS, len(hard), None, len(_plausible(BY_CAPTIONS, audited))))
    return Audit(
        model.name,
        direction,
        len(ranks),
        len(hard),
        len(audited),
        tuple(audited),
        tuple(counts),
    )


def _count(
    source: ExtendedRelevance,
    known: set[tuple[int, int]],
    direction: Direction,
    hard: list[Query],
    audited: list[AuditedQuery],
) -> SourceCount:
    extended = {pair[0] if direction == "i2t" else pair[1] for pair in known}
    labelled = source.documents(direction).keys() & {query_id(query) for query in hard}
    plausible = _plausible(source.name, audited)
    return SourceCount(
        source.name,
        len(labelled),
        len(labelled & extended),
        len(labelled & plausible),
        len(plausible - labelled),
    )


def _plausible(source: str, audited: list[AuditedQuery]) -> set[int]:
    """Return the ids of the queries that have a document by that source."""
    return {
        query_id(one.query) for one in audited if any(source in d.reasons for d in one.plausible)
    }
