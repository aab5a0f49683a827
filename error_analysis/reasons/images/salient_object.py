"""Salient-object confusion: the captions retrieved for an image name another thing instead.

For each main object of an image that most retrieved captions do not name, the thing that is not in
the image and that they name instead, more often than random captions would (a person is named by
every third caption of COCO). "In the image" is what COCO's instances (or the detector) or the
image's own captions say, since neither of the two is complete.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from error_analysis.queries.query import Query
from error_analysis.reasons.images.base_rates import BaseRates, exceeds
from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.mentions import Vocabulary, named_often
from error_analysis.reasons.reason import Reason

NAME = "salient object confusion"
# Of an image's own captions: those that name a main object. Two of five, as annotators differ.
MAIN_SHARE = 0.4
# Of the retrieved captions: an object is missed where more than this do not name it,
MISSED_SHARE = 0.5
# and a thing is named instead where at least this share do: 3 of 10, no single stray caption.
INSTEAD_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Confusion:
    """A main object of an image, and what retrieved captions name in its place.

    Attributes:
        category, taken_for: the object, and the thing that is not in the image.
        n_captions: retrieved captions that name the thing and not the object.
        n_retrieved: wrong captions that were looked at.
    """

    category: str
    taken_for: str
    n_captions: int
    n_retrieved: int


def wrong_captions(query: Query) -> list[str]:
    """Return the retrieved captions of other images, best first."""
    return [r.item.as_caption().caption for r in query.retrieved if not r.is_ground_truth]


def own_captions(query: Query) -> list[str]:
    """Return the captions of the image that is the query."""
    return [truth.item.as_caption().caption for truth in query.ground_truth]


def main_objects(query: Query, objects: Objects, vocabulary: Vocabulary) -> list[str]:
    """Return the objects in the image that its captions name, or else the largest one.

    Most often named first; none where the image has no object of the categories.
    """
    shares = objects.shares(query.item.image_id)
    named = named_often(vocabulary, own_captions(query), MAIN_SHARE)
    return [category for category in named if category in shares] or list(shares)[:1]


def find_confusions(
    query: Query, objects: Objects, vocabulary: Vocabulary, rates: BaseRates
) -> list[Confusion]:
    """Find what the main objects of an image query were taken for, one thing an object at most.

    The thing is the one that most captions name; of equals one of the object's supercategory, then
    the one that is named first.
    """
    retrieved = wrong_captions(query)
    present = set(objects.shares(query.item.image_id))
    for caption in own_captions(query):
        present |= vocabulary.perhaps_named(caption)
    perhaps = [vocabulary.perhaps_named(caption) for caption in retrieved]
    named = [vocabulary.named(caption) for caption in retrieved]
    confusions = []
    for category in main_objects(query, objects, vocabulary):
        missing = [
            sure for sure, maybe in zip(named, perhaps, strict=True) if category not in maybe
        ]
        if len(missing) <= MISSED_SHARE * len(retrieved):
            continue
        # Sorted within a caption, so that ties do not depend on a set's order.
        named_instead = Counter(other for sure in missing for other in sorted(sure - present))
        instead = {
            other: n
            for other, n in named_instead.items()
            if exceeds(n, len(retrieved), rates.named.get(other, 0.0))
        }
        if not instead:
            continue
        family = objects.supercategories.get(category)
        taken_for, count = max(
            instead.items(),
            key=lambda item: (
                item[1],
                family is not None and objects.supercategories.get(item[0]) == family,
            ),
        )
        if count >= INSTEAD_SHARE * len(retrieved):
            confusions.append(Confusion(category, taken_for, count, len(retrieved)))
    return confusions


def confusion_reason(confusions: list[Confusion]) -> Reason | None:
    """Return the reason that shows the confusions: "cow, taken for dog (6 of 10 captions)"."""
    if not confusions:
        return None
    shown = [
        f"{c.category}, taken for {c.taken_for} ({c.n_captions} of {c.n_retrieved} captions)"
        for c in confusions
    ]
    return Reason(NAME, "; ".join(shown))


def confusions_of(
    queries: Iterable[Query], objects: Objects, rates: BaseRates
) -> list[list[Confusion]]:
    """Find the confusions of each image query."""
    return [find_confusions(query, objects, objects.vocabulary, rates) for query in queries]
