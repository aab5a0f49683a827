"""Why image queries are hard: every rule for them, over a list of queries."""

from collections.abc import Sequence

from error_analysis.queries.query import Query
from error_analysis.reasons.images.base_rates import BaseRates
from error_analysis.reasons.images.details import details_reason, missing_reason
from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.images.salient_object import confusion_reason, find_confusions
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.reasons.reason import Reason


def image_reasons(
    queries: Sequence[Query],
    rates: BaseRates,
    objects: Objects | None = None,
) -> list[tuple[Reason, ...]]:
    """Find the reasons of hard image queries.

    Args:
        queries: i2t, with what was retrieved.
        rates: of the captions of the gallery that was ranked.
        objects: of the queries' images; None: salient-object confusion is silent, and captions
            are read for COCO's categories.

    Returns:
        One tuple a query, in their order, of those rules that found something: salient-object
        confusion, wrong details, missing details.

    Raises:
        InputError: a query's image is not in `objects`.
        ValueError: a query is not an image.
    """
    if any(query.direction != "i2t" for query in queries):
        raise ValueError("image_reasons takes image queries (i2t) only")
    vocabulary = objects.vocabulary if objects else Vocabulary()
    found = []
    for query in queries:
        reasons = (
            confusion_reason(find_confusions(query, objects, vocabulary, rates))
            if objects
            else None,
            details_reason(query, vocabulary),
            missing_reason(query, rates),
        )
        found.append(tuple(reason for reason in reasons if reason is not None))
    return found
