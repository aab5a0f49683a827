"""Which captions suit which images, as far as the images' own captions tell.

A caption is likely to suit an image the more like it the image's captions are (cosine of TF-IDF
vectors, as in reasons/caption_scores.py), the more of its words any of them says, and the more the
captions of its own image and of the other are alike; the mean of these, the last one counted twice,
must reach `LEAST_LIKENESS`. Or they say nearly all of it, however little that is: "an animal", of a
kitten. It does not suit one whose captions contradict it: they name no such
thing, or it has another number, or a colour that none of them gives it.

Chosen on the pairs of COCO's validation split that CxC's raters judged (19,722; those from 3 of 5
on suit); what it finds in the test split, and by ECCV Caption's labels: docs/error_analysis.md. Of
what was tried, opposite attributes (small, large) and settings (indoors, outdoors) told nothing
more.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from error_analysis.reasons.caption_scores import caption_vectors, sum_by_image, unit_rows
from error_analysis.reasons.images.details import said_details
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.reasons.said_words import SaidWords
from preprocess.captions.split_file import Split

NAME = "plausible retrieval"
LEAST_LIKENESS = 0.5
NEARLY_ALL = 0.8


class Plausibility:
    """Tells whether captions suit images of a gallery; rows are those of its images, captions."""

    def __init__(self, gallery: Split, vocabulary: Vocabulary):
        self.image_of = gallery.caption_image_index
        self._captions = caption_vectors(gallery.captions)
        self._images = unit_rows(sum_by_image(gallery, self._captions))
        self._words = SaidWords(gallery)
        self._texts = [tuple(c.caption for c in image.captions) for image in gallery.images]
        self._text = gallery.captions
        self._vocabulary = vocabulary

    def likeness(self, images: np.ndarray, captions: np.ndarray, covered: np.ndarray) -> np.ndarray:
        """Return how likely each caption suits each image, (n_pairs,) float64 in [0, 1].

        Args:
            images, captions: (n_pairs,) integer, their rows.
            covered: (n_pairs,) float64, the share of the caption that the image's captions say.
        """
        shown = self._images[images]
        cosine = shown.multiply(self._captions[captions]).sum(axis=1)
        alike = shown.multiply(self._images[self.image_of[captions]]).sum(axis=1)
        return (cosine + covered + 2 * alike) / 4

    def fits(self, images: np.ndarray, captions: np.ndarray) -> np.ndarray:
        """Return which captions suit which images, (n_pairs,) bool."""
        pairs = zip(images.tolist(), captions.tolist(), strict=True)
        covered = np.array([self._words.covered(*pair) for pair in pairs])
        found = self.likeness(images, captions, covered) >= LEAST_LIKENESS
        found |= covered >= NEARLY_ALL
        for pair in np.flatnonzero(found).tolist():
            found[pair] = not self._contradict(images[pair], self._text[captions[pair]])
        return found

    def _contradict(self, image: int, caption: str) -> bool:
        """Tell whether an image's captions name not what one does, or with other details."""
        named, numbers, colours = _said(self._vocabulary, self._texts[image])
        mentions = self._vocabulary.mentions(caption)
        counted = {c for m in mentions if m.counted for c in m.categories}
        said = said_details(mentions)
        return (
            any(len(m.categories) == 1 and m.categories[0] not in named for m in mentions)
            or not all(
                _number_fits(number, numbers.get(category, ()), category in counted)
                for category, (number,) in said["number"].items()
            )
            or any(of_it - colours.get(c, set()) for c, of_it in said["colour"].items())
        )


@lru_cache(maxsize=10_000)
def _said(
    vocabulary: Vocabulary, captions: tuple[str, ...]
) -> tuple[set[str], dict[str, set[int | None]], dict[str, set[str]]]:
    """Return all things that captions may name, and the numbers and colours they give them."""
    named: set[str] = set()
    numbers: dict[str, set[int | None]] = {}
    colours: dict[str, set[str]] = {}
    for caption in captions:
        mentions = vocabulary.mentions(caption)
        named |= {category for mention in mentions for category in mention.categories}
        said = said_details(mentions)
        for table, kind in ((numbers, "number"), (colours, "colour")):
            for category, values in said[kind].items():
                table.setdefault(category, set()).update(values)
    return named, numbers, colours


def _number_fits(number: int | None, own: Iterable[int | None], counted: bool) -> bool:
    """Tell whether a number may be that of an image; None of either is any number of several.

    It must be the greatest that its captions say, as captions may pass things over; a smaller one
    may be of some of the things, unless it is said to be all.
    """
    own = list(own)
    if number is None or not own:
        return True
    most = max(math.inf if other is None else other for other in own)
    return most == math.inf or number == most or (number < most and not counted)
