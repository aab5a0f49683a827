"""What of a query's top documents suits it after all, though the split does not pair the two.

Told by labels beyond the split's own (CxC, ECCV Caption), and by the captions alone
(error_analysis/reasons/images/plausible.py). How often that is right is in docs/error_analysis.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from error_analysis.queries.query import Item, Query
from error_analysis.reasons.images.plausible import NAME, Plausibility
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import content_words
from error_analysis.relevance.extended_relevance import ExtendedRelevance, own_pairs
from preprocess.captions.split_file import Split

BY_CAPTIONS = "captions"


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


class PlausibleDocuments:
    """Finds the plausible documents of queries over one gallery.

    Attributes:
        labels: of the gallery (see `ExtendedRelevance.restricted_to`), may be none.
        known: source -> (image id, caption id) that it has beyond the split's own pairs.
    """

    def __init__(
        self, gallery: Split, plausibility: Plausibility, labels: Sequence[ExtendedRelevance] = ()
    ):
        self.labels = tuple(labels)
        own = own_pairs(gallery)
        self.known = {source.name: source.pairs() - own for source in labels}
        self._plausibility = plausibility
        self._captions = {
            image.image_id: [c.caption.strip() for c in image.captions] for image in gallery.images
        }
        self._image_row = {id_: row for row, id_ in enumerate(gallery.image_ids.tolist())}
        self._caption_row = {id_: row for row, id_ in enumerate(gallery.caption_ids.tolist())}
        self._text = gallery.captions

    def of(self, queries: Sequence[Query]) -> list[tuple[PlausibleDocument, ...]]:
        """Return the plausible ones of each query's retrieved documents, best first."""
        wrong = [
            (query, place, found.item)
            for query in queries
            for place, found in enumerate(query.retrieved)
            if not found.is_ground_truth
        ]
        pairs = [pair_of(query, item) for query, _, item in wrong]
        images = np.array([self._image_row[image] for image, _ in pairs], np.int64)
        captions = np.array([self._caption_row[caption] for _, caption in pairs], np.int64)
        fits = self._plausibility.fits(images, captions).tolist()
        documents: dict[int, list[PlausibleDocument]] = {id(query): [] for query in queries}
        for (query, place, item), pair, by_captions in zip(wrong, pairs, fits, strict=True):
            reasons = {
                name: f"{name} has caption {pair[1]} for image {pair[0]}"
                for name, known in self.known.items()
                if pair in known
            }
            if by_captions:
                nearest = self._nearest(self._text[self._caption_row[pair[1]]], pair[0])
                reasons[BY_CAPTIONS] = f"the image's captions fit, such as {nearest!r}"
            if reasons:
                documents[id(query)].append(PlausibleDocument(place, item, reasons))
        return [tuple(documents[id(query)]) for query in queries]

    def reasons(self, queries: Sequence[Query]) -> list[Reason | None]:
        """Return the reason of each query with a plausible document above its ground truth.

        What stands below it did no harm: a query at rank 0 has none. The best one is shown. Where a
        source has labels for the query, the labels decide; elsewhere the captions do.
        Evidence such as "place 0: image 7, A red dog in a field. (by captions, and 2 more)".
        """
        found = zip(queries, self.of(queries), strict=True)
        return [self._reason(query, documents) for query, documents in found]

    def _reason(self, query: Query, documents: Sequence[PlausibleDocument]) -> Reason | None:
        labelled = {s.name for s in self.labels if query_id(query) in s.documents(query.direction)}
        deciding = labelled or {BY_CAPTIONS}
        above = (one for one in documents if one.place < query.rank)
        found = [one for one in above if deciding & one.reasons.keys()]
        if not found:
            return None
        first, more = found[0], f", and {len(found) - 1} more" if found[1:] else ""
        sources = [name for name in first.reasons if name in deciding]
        if query.direction == "i2t":
            shown = first.item.as_caption().caption
        else:
            nearest = self._nearest(query.item.as_caption().caption, first.item.image_id)
            shown = f"image {first.item.image_id}, {nearest}"
        return Reason(
            NAME, f"place {first.place}: {shown.strip()} (by {' and '.join(sources)}{more})"
        )

    def _nearest(self, caption: str, image_id: int) -> str:
        """Return the image's caption that says most of `caption`; the first of equals."""
        said = set(content_words(caption))
        return max(
            self._captions[image_id], key=lambda other: len(said.intersection(content_words(other)))
        )


def pair_of(query: Query, document: Item) -> tuple[int, int]:
    """Return the (image id, caption id) of a query and a document."""
    if query.direction == "i2t":
        return query.item.image_id, document.own_id
    return document.image_id, query.item.own_id


def query_id(query: Query) -> int:
    """Return the image id of an image query, the caption id of a caption query."""
    return query.item.own_id
