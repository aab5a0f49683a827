"""Features of queries that may tell hard ones from others, as numbers by name.

Each function gives a dict of name -> (n_queries,) float64, for all queries of one direction in the
order of the gallery, so that what is known (rules, objects, image quality) is joined and what is
not is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from scipy.sparse import csr_array

from error_analysis.reasons.caption_scores import caption_vectors
from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.images.quality import Quality, measure_quality
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import content_words, tokenize
from preprocess.captions.split_file import Split
from preprocess.storage.images_file import ImagesFile

# Cosine of TF-IDF vectors: one content word of six differs.
NEARLY_THE_SAME = 0.8
# Captions compared at once with all others: 25,000 take 60 MB.
BLOCK_CAPTIONS = 256


@dataclass(frozen=True)
class QueryFeatures:
    """The features of the queries of one direction.

    Attributes:
        names: of the features.
        values: (n_queries, n_features) float64, finite.
        image: (n_queries,) int64, what tells the image that a query is or belongs to.
    """

    names: tuple[str, ...]
    values: np.ndarray
    image: np.ndarray

    @classmethod
    def join(cls, image: np.ndarray, *sources: Mapping[str, np.ndarray]) -> "QueryFeatures":
        """Join features of different sources.

        Raises:
            ValueError: a name comes twice, or values are not finite or of another number.
        """
        columns: dict[str, np.ndarray] = {}
        for source in sources:
            for name, values in source.items():
                if name in columns:
                    raise ValueError(f"feature {name!r} comes twice")
                if values.shape != image.shape or not np.isfinite(values).all():
                    raise ValueError(f"feature {name!r}: expected {len(image)} finite numbers")
                columns[name] = values
        values = np.column_stack(list(columns.values())).astype(np.float64)
        return cls(tuple(columns), values, image)

    @classmethod
    def concatenate(cls, folds: Sequence["QueryFeatures"]) -> "QueryFeatures":
        """Put the queries of folds, which share no image, one after another."""
        starts = np.cumsum([0, *(fold.image.max() + 1 for fold in folds)])
        images = [fold.image + start for fold, start in zip(folds, starts[:-1], strict=True)]
        values = np.concatenate([fold.values for fold in folds])
        return cls(folds[0].names, values, np.concatenate(images))


def caption_features(gallery: Split) -> dict[str, np.ndarray]:
    """Return what the text of each caption tells.

    Returns:
        `words`, `characters`, `content words`, `position` (place among its image's captions, from
        0), `nearest caption` (greatest TF-IDF cosine with a caption of another image) and
        `captions nearly the same` (log2 of 1 + those of other images from cosine 0.8 on).
    """
    index = gallery.caption_image_index
    nearest, n_same = _nearest_of_other_images(gallery)
    return {
        "words": _numbers(len(words(caption)) for caption in gallery.captions),
        "characters": _numbers(map(len, gallery.captions)),
        "content words": _numbers(len(content_words(caption)) for caption in gallery.captions),
        "position": _numbers(np.arange(len(index)) - np.searchsorted(index, index)),
        "nearest caption": nearest,
        "captions nearly the same": np.log2(1 + n_same),
    }


def rarity_features(gallery: Split, training_captions: Iterable[str]) -> dict[str, np.ndarray]:
    """Return how usual the words of each caption are in the training captions.

    Returns:
        `mean log frequency` and `least log frequency`: log10 of the share of a caption's words
        among all words, one added to each count so that unseen words have a share.
    """
    counts = Counter(word for caption in training_captions for word in words(caption))
    total = sum(counts.values()) + len(counts) + 1
    unseen = np.log10(1 / total)
    logs = [
        [np.log10((counts[word] + 1) / total) for word in words(caption)] or [unseen]
        for caption in gallery.captions
    ]
    return {
        "mean log frequency": _numbers(map(np.mean, logs)),
        "least log frequency": _numbers(map(min, logs)),
    }


def reason_flags(
    reasons: Sequence[Sequence[Reason]], names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Return 1 for each query that a rule gives a reason for, else 0, by the rule's name."""
    found = [{reason.name for reason in of_query} for of_query in reasons]
    return {name: _numbers(name in of_query for of_query in found) for name in names}


def caption_set_features(gallery: Split) -> dict[str, np.ndarray]:
    """Return what the captions of each image tell about it as a query.

    Returns:
        `captions`, `mean words` of a caption, and `agreement`: the mean TF-IDF cosine between two
        of the image's captions (1 where it has one alone).
    """
    n_images, index = len(gallery.images), gallery.caption_image_index
    n_captions = np.bincount(index, minlength=n_images).astype(np.float64)
    lengths = _numbers(len(words(caption)) for caption in gallery.captions)
    vectors = caption_vectors(gallery.captions)
    belongs = csr_array(
        (np.ones(len(index)), (index, np.arange(len(index)))), shape=(n_images, len(index))
    )
    sums = belongs @ vectors  # (n_images, n_terms)
    # |sum|^2 holds each vector with itself once, and each pair twice.
    squares = np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    own = belongs @ np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    pairs = n_captions * (n_captions - 1)
    agreement = np.where(pairs > 0, (squares - own) / np.maximum(pairs, 1), 1.0)
    return {
        "captions": n_captions,
        "mean words": (belongs @ lengths) / n_captions,
        "agreement": np.clip(agreement, 0, 1),
    }


def object_features(gallery: Split, objects: Objects, prefix: str = "") -> dict[str, np.ndarray]:
    """Return the number of `objects` and `categories` of each image, and its `largest object`.

    Args:
        prefix: of the names, such as "detected ".

    Raises:
        InputError: an image is not among those of `objects`.
    """
    found = [objects.of(image_id) for image_id in gallery.image_ids.tolist()]
    return {
        f"{prefix}objects": _numbers(map(len, found)),
        f"{prefix}categories": _numbers(len({o.category for o in of_image}) for of_image in found),
        f"{prefix}largest object": _numbers(
            max((o.share for o in of_image), default=0.0) for of_image in found
        ),
    }


def quality_features(
    gallery: Split, images: ImagesFile, progress: Callable[[Iterable], Iterable] = iter
) -> dict[str, np.ndarray]:
    """Return the measures of each image by name (see error_analysis/reasons/images/quality.py).

    Args:
        progress: wraps the loop over the image ids, to show how far it is.

    Raises:
        InputError: an image is not in the file, or does not decode.
    """
    rows = [astuple(measure_quality(images.read(i))) for i in progress(gallery.image_ids.tolist())]
    names = [field.name.replace("_", " ") for field in fields(Quality)]
    return {name: _numbers(row[i] for row in rows) for i, name in enumerate(names)}


def words(caption: str) -> list[str]:
    """Return the words of a caption in lower case, without numbers and punctuation."""
    return [token.lower for token in tokenize(caption) if token.is_word]


def _nearest_of_other_images(gallery: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the greatest cosine with another image's caption, and how many are nearly the same."""
    vectors, index = caption_vectors(gallery.captions), gallery.caption_image_index
    n_captions = len(index)
    nearest, n_same = np.zeros(n_captions), np.zeros(n_captions)
    for start in range(0, n_captions, BLOCK_CAPTIONS):
        block = slice(start, start + BLOCK_CAPTIONS)
        cosines = (vectors[block] @ vectors.T).toarray()  # (<= BLOCK_CAPTIONS, n_captions)
        cosines[index[block, None] == index] = 0
        nearest[block] = cosines.max(axis=1)
        n_same[block] = np.sum(cosines >= NEARLY_THE_SAME, axis=1)
    return np.minimum(nearest, 1), n_same


def _numbers(values: Iterable) -> np.ndarray:
    return np.array(list(values), np.float64)
