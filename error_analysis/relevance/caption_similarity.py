"""Is a wrong document plausible? Told from the captions alone, where nobody labelled the pair.

A caption and another image are a plausible pair when what the caption says is said of that image
too: when at least `LEAST_SHARE` of the caption's TF-IDF weight lies on words, and on pairs of
neighbouring words, that stand in the image's own captions, taken together. The share is 1 where
all of them recur (a caption that says little fits many images, and rightly so), and a rare word
weighs more than a common one. Pairs tell a red car beside a blue boat from a blue car beside a red
boat, whose words are the same: with words alone, half as many of those found on the demo are right.

It is a guess, not a label: it knows no synonyms and no grammar. So it finds some of the plausible
documents, and not only such; `false_negatives` keeps its counts apart from those by labels. How
often it is right on the demo, whose scenes are known, is in the README.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer

from preprocess.split_file import Split

LEAST_SHARE = 0.6
# Pairs looked up at once: their rows of terms take some 10 MB.
BLOCK_PAIRS = 2**15
# In scikit-learn's list, but "two zebras" are not "four zebras".
NUMBERS = {"two", "three", "four", "five", "six", "eight", "nine", "ten", "eleven", "twelve"}
# What captions call themselves.
PICTURE_WORDS = {"image", "photo", "photograph", "picture", "view"}
STOP_WORDS = (ENGLISH_STOP_WORDS - NUMBERS) | PICTURE_WORDS
WORD = re.compile(r"[^\W_]+")


def content_words(caption: str) -> list[str]:
    """Return the words that tell captions apart, in lower case and without a plural's s."""
    words = [word for word in WORD.findall(caption.lower()) if word not in STOP_WORDS]
    return [re.sub(r"(?<=\w[^aeisu])s$|(?<=\we)s$", "", word) for word in words]


def terms(caption: str) -> list[str]:
    """Return the content words, and each two that are neighbours once the others are left out."""
    words = content_words(caption)
    return words + [f"{one} {other}" for one, other in pairwise(words)]


@dataclass(frozen=True)
class CaptionSimilarity:
    """The terms of a gallery's captions.

    Attributes:
        weights: (n_captions, n_terms) float32, each caption's TF-IDF weights, which sum to 1; a
            caption without content words has none.
        said: (n_images, n_terms) float32, 1 where a caption of the image has the term.
        image_start: (n_images + 1,) int64, where each image's captions start among all.
        terms: (n_terms,) text.
    """

    weights: csr_array
    said: csr_array
    image_start: np.ndarray
    terms: np.ndarray

    @classmethod
    def of(cls, gallery: Split) -> "CaptionSimilarity":
        """Read the captions of a gallery; 25,000 take 1 s and 50 MB."""
        n_images, n_captions = len(gallery.images), len(gallery.captions)
        index = gallery.caption_image_index
        belongs = csr_array(
            (np.ones(n_captions, np.float32), (index, np.arange(n_captions))),
            shape=(n_images, n_captions),
        )
        start = np.searchsorted(index, np.arange(n_images + 1))
        # No word at all is no error: nothing is plausible then.
        if not any(content_words(caption) for caption in gallery.captions):
            nothing = [csr_array((n, 1), dtype=np.float32) for n in (n_captions, n_images)]
            return cls(*nothing, start, np.array([""]))
        vectorizer = TfidfVectorizer(analyzer=terms, norm="l1", binary=True, dtype=np.float32)
        weights = csr_array(vectorizer.fit_transform(gallery.captions))
        said = csr_array(belongs @ (weights > 0).astype(np.float32))
        said.data[:] = 1
        return cls(weights, said, start, vectorizer.get_feature_names_out())

    def shares(self, captions: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Return how much of each caption is said of the image beside it.

        Args:
            captions, images: (n_pairs,) integer, positions in the gallery.

        Returns:
            (n_pairs,) float32 in [0, 1].
        """
        shares = np.empty(len(captions), np.float32)
        for first in range(0, len(captions), BLOCK_PAIRS):
            block = slice(first, first + BLOCK_PAIRS)
            common = self.weights[captions[block]].multiply(self.said[images[block]])
            shares[block] = common.sum(axis=1)
        return np.clip(shares, 0, 1)

    def nearest_caption(self, caption: int, image: int) -> int:
        """Return the image's caption that says most of `caption`; the first of equals."""
        captions = np.arange(*self.image_start[[image, image + 1]])
        said = (self.weights[captions] > 0).astype(np.float32)
        return int(captions[np.argmax(said @ self.weights[[caption]].toarray()[0])])

    def unsaid(self, caption: int, image: int) -> list[str]:
        """Return the caption's words that no caption of the image has, heaviest first."""
        weights = self.weights[[caption]].toarray()[0]
        weights[self.said[[image]].toarray()[0] > 0] = 0
        heaviest = np.argsort(-weights, kind="stable")[: np.count_nonzero(weights)]
        return [term for term in self.terms[heaviest].tolist() if " " not in term]
