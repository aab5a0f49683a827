"""Extended ground truth: which captions suit which images, beyond the split's own pairs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from information_retrieval.ranking.query_ranks import Direction
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

# ECCV Caption's own files have 2 caption ids, of 11,953, beyond the first five of each image.
UNKNOWN_SHARE = 0.01
Judgements = Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class ExtendedRelevance:
    """What one source says suits each query that it has labels for.

    The two directions are labelled apart: ECCV Caption judged the captions of 1,261 images and
    the images of 1,332 captions, so that neither is the other's inverse.

    Attributes:
        name: of the source, such as "ECCV Caption".
        source: the files it was read from.
        captions_of_image: image id -> ids of captions that suit it, for each labelled image query.
        images_of_caption: caption id -> ids of images that suit it, for each labelled caption.
        n_unknown: ids of the source that its split lacks, and that were left out.
    """

    name: str
    source: str
    captions_of_image: Judgements
    images_of_caption: Judgements
    n_unknown: int = 0

    def documents(self, direction: Direction) -> Judgements:
        """Return query id -> ids of suitable documents, for the labelled queries."""
        return self.captions_of_image if direction == "i2t" else self.images_of_caption

    def pairs(self) -> set[tuple[int, int]]:
        """Return every (image id, caption id) that suits, from whichever direction it is known."""
        pairs = {(i, c) for i, captions in self.captions_of_image.items() for c in captions}
        return pairs | {(i, c) for c, images in self.images_of_caption.items() for i in images}

    def restricted_to(self, gallery: Split) -> "ExtendedRelevance":
        """Return the labels of the gallery's own images and captions."""
        images, captions = set(gallery.image_ids.tolist()), set(gallery.caption_ids.tolist())
        return ExtendedRelevance(
            self.name,
            self.source,
            _kept(self.captions_of_image, images, captions),
            _kept(self.images_of_caption, captions, images),
            self.n_unknown,
        )


def _kept(judgements: Judgements, queries: set[int], documents: set[int]) -> Judgements:
    return {q: found & documents for q, found in judgements.items() if q in queries}


def own_pairs(split: Split) -> set[tuple[int, int]]:
    """Return the (image id, caption id) that the split itself pairs."""
    return {(image.image_id, c.caption_id) for image in split.images for c in image.captions}


def relevance_from_pairs(
    name: str,
    source: str,
    judged: Iterable[tuple[int, int]],
    suitable: Iterable[tuple[int, int]],
) -> ExtendedRelevance:
    """Return the relevance of labelled (image id, caption id) pairs.

    Args:
        judged: every labelled pair: its image and its caption are labelled queries.
        suitable: those of them that suit.
    """
    captions: defaultdict[int, set[int]] = defaultdict(set)
    images: defaultdict[int, set[int]] = defaultdict(set)
    for image_id, caption_id in judged:
        captions.setdefault(image_id, set())
        images.setdefault(caption_id, set())
    for image_id, caption_id in suitable:
        captions[image_id].add(caption_id)
        images[caption_id].add(image_id)
    return ExtendedRelevance(name, source, _frozen(captions), _frozen(images))


def with_own_pairs(relevance: ExtendedRelevance, split: Split) -> ExtendedRelevance:
    """Return the relevance with what the split pairs each labelled query with."""
    captions: defaultdict[int, set[int]] = defaultdict(set)
    images: defaultdict[int, set[int]] = defaultdict(set)
    for image_id, caption_id in own_pairs(split):
        captions[image_id].add(caption_id)
        images[caption_id].add(image_id)
    return ExtendedRelevance(
        relevance.name,
        relevance.source,
        {query: found | captions[query] for query, found in relevance.captions_of_image.items()},
        {query: found | images[query] for query, found in relevance.images_of_caption.items()},
    )


def _frozen(judgements: Mapping[int, set[int]]) -> Judgements:
    return {query: frozenset(found) for query, found in judgements.items()}


def belonging_to(relevance: ExtendedRelevance, split: Split) -> ExtendedRelevance:
    """Return the labels without the few ids that `split` lacks.

    Raises:
        InputError: more than `UNKNOWN_SHARE` of the ids are not in `split`, or they mean something
            else there. Ids of another numbering (Oscar's captions count from 0) may happen to be
            in it; then hardly any caption suits its own image.
    """
    images = set(relevance.captions_of_image).union(*relevance.images_of_caption.values())
    captions = set(relevance.images_of_caption).union(*relevance.captions_of_image.values())
    if not images or not captions:
        raise InputError(f"{relevance.source}: expected labels, found none; download it again")
    n_unknown = 0
    for what, found, known in (
        ("image", images, set(split.image_ids.tolist())),
        ("caption", captions, set(split.caption_ids.tolist())),
    ):
        unknown = found - known
        n_unknown += len(unknown)
        if len(unknown) > UNKNOWN_SHARE * len(found):
            raise InputError(
                f"{relevance.source}: {len(unknown):,} of its {len(found):,} {what} ids, such as "
                f"{min(unknown)}, are not in split {split.split!r} of {split.source}; give the "
                "labels of that split, and its whole split file with COCO's ids"
            )
    _check_own_images(relevance, split)
    return replace(relevance.restricted_to(split), n_unknown=n_unknown)


def _check_own_images(relevance: ExtendedRelevance, split: Split) -> None:
    own = own_pairs(split)
    labelled = {caption: found for caption, found in relevance.images_of_caption.items() if found}
    at_home = sum(
        any((image, caption) in own for image in found) for caption, found in labelled.items()
    )
    if 2 * at_home < len(labelled):
        raise InputError(
            f"{relevance.source}: only {at_home:,} of its {len(labelled):,} captions suit their "
            f"own image in split {split.split!r} of {split.source}, expected nearly all: the "
            "caption ids are numbered in another way; make the split file from Karpathy's JSON"
        )
