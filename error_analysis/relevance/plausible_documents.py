"""What of a query's top documents suits it after all, though the split does not pair the two.

Told by labels beyond the split's own (CxC, ECCV Caption), and by the captions alone, where a
caption suits an image whose own captions say all that it says
(error_analysis/reasons/images/plausible.py: entailed, and not only alike). How often that is right
on the demo, whose scenes are known, is in docs/error_analysis.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.queries.query import Item, Query
from error_analysis.reasons.images.plausible import NAME, CaptionSet, Plausibility
from error_analysis.reasons.reason import Reason
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
        self._text = {c.caption_id: c.caption for image in gallery.images for c in image.captions}
        self._own: dict[int, CaptionSet] = {}

    def of(self, query: Query) -> tuple[PlausibleDocument, ...]:
        """Return the plausible ones of the retrieved documents, best first."""
        found = []
        for place, item, sources in self._found(query):
            image_id, caption_id = pair_of(query, item)
            reasons = {
                name: self._in_words(caption_id, image_id)
                if name == BY_CAPTIONS
                else f"{name} has caption {caption_id} for image {image_id}"
                for name in sources
            }
            found.append(PlausibleDocument(place, item, reasons))
        return tuple(found)

    def _found(self, query: Query) -> list[tuple[int, Item, list[str]]]:
        """Return place, document and sources of the plausible ones."""
        found = []
        for place, retrieved in enumerate(query.retrieved):
            if retrieved.is_ground_truth:
                continue
            image_id, caption_id = pair_of(query, retrieved.item)
            sources = [n for n, pairs in self.known.items() if (image_id, caption_id) in pairs]
            if self._fits(caption_id, image_id):
                sources.append(BY_CAPTIONS)
            if sources:
                found.append((place, retrieved.item, sources))
        return found

    def reason(self, query: Query) -> Reason | None:
        """Return the reason of a query with a plausible document, the best one shown.

        Where a source has labels for the query, the labels decide; elsewhere the captions do.
        Evidence such as "place 0: image 7, A red dog in a field. (by captions, and 2 more)".
        """
        labelled = {s.name for s in self.labels if query_id(query) in s.documents(query.direction)}
        deciding = labelled or {BY_CAPTIONS}
        found = [one for one in self._found(query) if deciding & set(one[2])]
        if not found:
            return None
        place, item, names = found[0]
        sources = [name for name in names if name in deciding]
        more = f", and {len(found) - 1} more" if found[1:] else ""
        if query.direction == "i2t":
            shown = item.as_caption().caption
        else:
            nearest = self._nearest(query.item.as_caption().caption, item.image_id)
            shown = f"image {item.image_id}, {nearest}"
        evidence = f"place {place}: {shown.strip()} (by {' and '.join(sources)}{more})"
        return Reason(NAME, evidence)

    def _own_captions(self, image_id: int) -> CaptionSet:
        """Return what an image's captions tell; many lists have the same images."""
        if image_id not in self._own:
            self._own[image_id] = self._plausibility.of_image(image_id)
        return self._own[image_id]

    def _fits(self, caption_id: int, image_id: int) -> bool:
        return self._plausibility.fits(self._text[caption_id], self._own_captions(image_id))

    def _in_words(self, caption_id: int, image_id: int) -> str:
        caption = self._text[caption_id]
        share = self._plausibility.covered(caption, self._own_captions(image_id))
        nearest = self._nearest(caption, image_id)
        return f"{100 * share:.0f} % of the caption is said of the image; nearest: {nearest!r}"

    def _nearest(self, caption: str, image_id: int) -> str:
        """Return the image's caption that says most of `caption`; the first of equals."""
        covered = self._plausibility.covered
        own = self._plausibility.own
        return max(self._captions[image_id], key=lambda other: covered(caption, own([other])))


def pair_of(query: Query, document: Item) -> tuple[int, int]:
    """Return the (image id, caption id) of a query and a document."""
    if query.direction == "i2t":
        return query.item.image_id, document.as_caption().caption_id
    return document.image_id, query.item.as_caption().caption_id


def query_id(query: Query) -> int:
    """Return the image id of an image query, the caption id of a caption query."""
    return query.item.image_id if query.direction == "i2t" else query.item.as_caption().caption_id
