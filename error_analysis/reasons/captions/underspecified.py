"""Underspecified captions: few content words, and captions of many other images say them too.

Words are compared by stem. Function words and words that fit every picture ("a picture of",
"somewhere", "things") tell no image from another and do not count. An image is covered by a caption
when one of its captions has (nearly) all of the caption's content, weighed by TF-IDF, and when it
is not indoors where the caption says outdoors, or the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from error_analysis.reasons.nouns import HYPERNYMS, SYNONYMS, plurals
from error_analysis.reasons.places import IMPLIED, PHRASES, PLACE_OF
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import FUNCTION_WORDS, content_words, stem, tokenize, word_set
from preprocess.captions.split_file import Split

if TYPE_CHECKING:
    from scipy import sparse

NAME = "underspecified"
# Two things and a place; captions have six content words on average.
MOST_CONTENT_WORDS = 3
# A query is hard from rank 10 on, and ten other images that fit as well are enough to put it there
# by chance; in a small gallery, 4 % of the images.
MANY_IMAGES = 10
MANY_SHARE = 0.04
# The share of the content's TF-IDF weight that another caption must have: all but a common word.
COVERAGE = 0.8
_BLOCK = 2048

# Words that fit every picture: of the medium, of place and amount, and nouns for anything.
_GENERAL_WORDS = word_set(
    "picture image photo photograph pic shot view scene close closeup display shown show taken "
    "take took see seen look there thing object item stuff something somebody someone somewhere "
    "anything piece part kind type sort variety various different other certain place area spot "
    "setting outside outdoors outdoor inside indoors indoor open group bunch couple pair number "
    "lot several set nice good beautiful useful great pretty interesting another near next "
    "beside sit sitting stand standing located made"
)
_LITTLE = FUNCTION_WORDS | _GENERAL_WORDS
_SETTINGS = {"outdoors": 1, "indoors": 2}  # bits: captions of one image may say both
# "A house in a field" is a thing outdoors.
_THINGS = word_set("building house home")
_PHRASES = {**PHRASES, "in a building": "indoors", "inside a building": "indoors"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many other images a caption fits.

    Attributes:
        n_images: other images with a caption that covers the content words of this one.
        example: the most similar such caption; None where there is none, or no content to cover.
    """

    n_images: int
    example: str | None


def telling_words(caption: str) -> list[str]:
    """Return the different stems of the words that tell the image from others, in order."""
    return list(dict.fromkeys(content_words(_said(caption), _LITTLE)))


def _said(caption: str) -> str:
    """Return a caption in lower case, phrases of a place as its word."""
    text = caption.lower()
    for phrase, place in sorted(_PHRASES.items(), reverse=True):  # the longer one first
        text = text.replace(phrase, place)
    return text


def underspecified(gallery: Split) -> list[Reason | None]:
    """Return for each caption of the gallery, in order, the reason or None."""
    many = max(2, min(MANY_IMAGES, round(MANY_SHARE * len(gallery.images))))
    reasons: list[Reason | None] = [None] * len(gallery.captions)
    for caption, coverage in _coverages(gallery).items():
        if coverage.n_images >= many:
            reasons[caption] = Reason(NAME, _evidence(coverage))
    return reasons


def _evidence(coverage: Coverage) -> str:
    if coverage.example is None:
        return f"{coverage.n_images} other images suit it too: no word tells one from another"
    others = f"{coverage.n_images} other images have a caption that says the same"
    return f'{others}, such as "{coverage.example}"'


def _coverages(gallery: Split) -> dict[int, Coverage]:
    """Return the coverage of the captions with few content words; the others have no entry."""
    settings = _Settings.of(gallery)
    words = [telling_words(caption) for caption in gallery.captions]
    wider = _wider_words()
    said = [[*own, *(w for word in own for w in wider.get(word, ()))] for own in words]
    few = [i for i, own in enumerate(words) if len(own) <= MOST_CONTENT_WORDS]
    # A caption without content words fits every other image, but for those that are elsewhere.
    coverages = {
        i: Coverage(max(0, int(settings.images_fit(i).sum()) - 1), None)
        for i in few
        if not words[i]
    }
    few = [i for i in few if words[i]]
    if not few:
        return coverages
    from sklearn.feature_extraction.text import TfidfVectorizer  # takes a second

    vectorizer = TfidfVectorizer(analyzer=lambda own: own, norm=None, binary=True)
    present = vectorizer.fit_transform(said).sign()  # (n_captions, n_stems)
    weights = vectorizer.transform(words)  # (n_captions, n_stems)
    for start in range(0, len(few), _BLOCK):
        block = few[start : start + _BLOCK]
        coverages.update(_block_coverages(gallery, block, weights, present, settings))
    return coverages


def _wider_words() -> dict[str, frozenset[str]]:
    """Return for the stem of a noun those of the wider nouns that it is a case of.

    A caption that says "kitten" also says "cat" and "animal".
    """
    wider: dict[str, set[str]] = {}
    for category, others in SYNONYMS.items():
        above = [name for name, below in HYPERNYMS.items() if category in below]
        for name in (category, *others):
            for noun in (name, *plurals(name)):
                names = [w for w in (category, *above) if " " not in w]
                wider.setdefault(stem(noun), set()).update(map(stem, names))
    return {noun: frozenset(names - {noun}) for noun, names in wider.items() if " " not in noun}


def _block_coverages(
    gallery: Split,
    block: list[int],
    weights: "sparse.csr_matrix",
    present: "sparse.csr_matrix",
    settings: "_Settings",
) -> dict[int, Coverage]:
    own = np.asarray(weights[block].sum(axis=1)).ravel()  # (n_block,)
    shared = (weights[block] @ present.T).tocsr()  # (n_block, n_captions)
    n_words = np.diff(weights.indptr)
    images = gallery.caption_image_index
    coverages = {}
    for row, caption in enumerate(block):
        entries = slice(shared.indptr[row], shared.indptr[row + 1])
        others, covered = shared.indices[entries], shared.data[entries]
        covers = (covered >= COVERAGE * own[row]) & (images[others] != images[caption])
        others = others[covers & settings.captions_fit(caption)[others]]
        example = _nearest(gallery.captions, caption, others, n_words) if len(others) else None
        coverages[caption] = Coverage(len(np.unique(images[others])), example)
    return coverages


def _nearest(captions: Sequence[str], caption: int, others: np.ndarray, n_words: np.ndarray) -> str:
    """Return that of the others that says least beside the caption, in words most like its own.

    Args:
        n_words: (n_captions,) int64, content words.
    """
    own = _stems(captions[caption])

    def likeness(text: str) -> float:
        words = _stems(text)
        return len(own & words) / len(own | words)

    least = np.sort(others[n_words[others] == n_words[others].min()])
    return max(dict.fromkeys(captions[other].strip() for other in least), key=likeness)


@cache
def _stems(caption: str) -> frozenset[str]:
    return frozenset(stem(token.lower) for token in tokenize(caption) if token.is_word)


@dataclass(frozen=True)
class _Settings:
    """Which captions and images are outdoors or indoors, as far as captions tell.

    Attributes:
        captions: (n_captions,) uint8, bits of `_SETTINGS`; 0: not told.
        images: (n_images,) uint8, all that an image's captions say.
        image_of: (n_captions,) int64, the row of each caption's image.
    """

    captions: np.ndarray
    images: np.ndarray
    image_of: np.ndarray

    @classmethod
    def of(cls, gallery: Split) -> "_Settings":
        captions = np.array([_setting(caption) for caption in gallery.captions], np.uint8)
        images = np.zeros(len(gallery.images), np.uint8)
        np.bitwise_or.at(images, gallery.caption_image_index, captions)
        return cls(captions, images, gallery.caption_image_index)

    def images_fit(self, caption: int) -> np.ndarray:
        """Tell which images are not elsewhere than a caption says, (n_images,) bool."""
        return self._agree(caption, self.images)

    def captions_fit(self, caption: int) -> np.ndarray:
        """Tell which captions, and their images, are not elsewhere, (n_captions,) bool."""
        return self._agree(caption, self.captions) & self.images_fit(caption)[self.image_of]

    def _agree(self, caption: int, others: np.ndarray) -> np.ndarray:
        own = self.captions[caption]
        return (own == 0) | (others == 0) | (own & others != 0)


def _setting(caption: str) -> int:
    words = [token.lower for token in tokenize(_said(caption))]
    found = 0
    for at, word in enumerate(words):
        if word in ("inside", "outside") and (words[at + 1 : at + 2] or ["."])[0][0].isalpha():
            continue  # a preposition: the place comes behind it
        if word in PLACE_OF and word not in _THINGS:
            found |= _SETTINGS.get(IMPLIED.get(PLACE_OF[word], PLACE_OF[word]), 0)
    return found
