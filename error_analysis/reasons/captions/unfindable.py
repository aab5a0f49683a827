"""Captions that could not find their image by words: what they say suits many, or nobody else.

The other captions of an image tell what people see in it. All images are ranked for a caption by
them, the caption itself left out (reasons/caption_scores.py); where its own image is not among the
first ten, no reading of the words, however good, would find it, and one of three reasons says why:

- underspecified: two or three words at most that tell one image from another, and the captions of
  ten other images say most of them too;
- said by nobody else: more than half of what it says, weighed by how rare its words are, no other
  caption of its image says;
- ambiguous: its image's captions agree with it, and those of ten other images do so no less.

Ten images are those that make a query hard (rank 10 and below), in a small gallery 4 % of it; half
is a half: neither was fitted. That most of an underspecified caption is 80 % was chosen on the
demo's captions, as in COCO. What it finds in others: docs/error_analysis.md.
"""

from collections import defaultdict
from itertools import pairwise

import numpy as np

from error_analysis.reasons.caption_scores import score_by_captions
from error_analysis.reasons.captions.spellings import is_form_of
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.said_words import SaidWords, with_wider
from error_analysis.reasons.words import GENERAL_STEMS, content_words, stem, tokenize
from information_retrieval.ranking.rank_counter import count_ranks
from preprocess.captions.split_file import Split

UNDERSPECIFIED, AMBIGUOUS, NOBODY_ELSE = "underspecified", "ambiguous", "said by nobody else"
NAMES = (UNDERSPECIFIED, AMBIGUOUS, NOBODY_ELSE)
MANY_IMAGES, MANY_SHARE = 10, 0.04
# Two things and a place; captions have six content words on average.
FEW_WORDS = 3
MOST = 0.8
HALF = 0.5
_SHOWN = 4


def unfindable(gallery: Split) -> list[Reason | None]:
    """Return for each caption of the gallery, in order, the reason or None.

    None of a caption that is its image's only one: nobody else says what is to be seen.
    """
    index = gallery.caption_image_index
    has_others = np.bincount(index)[index] > 1
    reasons: list[Reason | None] = [None] * len(index)
    if not has_others.any() or not any(map(content_words, gallery.captions)):
        return reasons
    many = max(2, min(MANY_IMAGES, round(MANY_SHARE * len(gallery.images))))
    scores = score_by_captions(gallery)  # (n_images, n_captions)
    ranks = count_ranks(scores, index).t2i.ranks()
    captions = _Captions(gallery)
    for caption in np.flatnonzero(has_others & (ranks >= many)).tolist():
        scores[index[caption], caption] = -1  # what follows is of other images
        reasons[caption] = (
            captions.underspecified(caption, scores[:, caption], many)
            or captions.said_by_nobody_else(caption)
            or captions.ambiguous(caption, scores[:, caption], ranks[caption])
        )
    return reasons


class _Captions:
    """The captions of a gallery, and which images' captions say each of their words."""

    def __init__(self, gallery: Split):
        self._gallery = gallery
        self._words = SaidWords(gallery)
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for image, said in enumerate(self._words.of_image):
            for word in said:
                rows[word].append(image)
        self._images_with = {word: np.array(found) for word, found in rows.items()}
        starts = np.searchsorted(gallery.caption_image_index, np.arange(len(gallery.images) + 1))
        self._of_image = [range(*ends) for ends in pairwise(starts.tolist())]

    def underspecified(self, caption: int, scores: np.ndarray, many: int) -> Reason | None:
        telling = self._words.of_caption[caption] - GENERAL_STEMS
        if len(telling) > FEW_WORDS:
            return None
        said = np.zeros(len(scores))
        for word in telling:
            said[self._images_with[word]] += self._words.weigh([word])
        suits = said >= MOST * self._words.weigh(telling)
        suits[self._gallery.caption_image_index[caption]] = False
        if np.count_nonzero(suits) < many:
            return None
        if not telling:
            return Reason(UNDERSPECIFIED, "no word tells one image from another")
        example = self._shown(caption, np.where(suits, scores, -1))
        n_images = np.count_nonzero(suits)
        return Reason(UNDERSPECIFIED, f"captions of {n_images} other images say it too: {example}")

    def said_by_nobody_else(self, caption: int) -> Reason | None:
        image = self._gallery.caption_image_index[caption]
        siblings = [c for c in self._of_image[image] if c != caption]
        said = with_wider(word for sibling in siblings for word in self._words.of_caption[sibling])
        new = {
            word
            for word in self._words.of_caption[caption] - said
            if not any(other[:2] == word[:2] and is_form_of(word, other) for other in said)
        }
        if self._words.weigh(new) <= HALF * self._words.weigh(self._words.of_caption[caption]):
            return None
        words = {
            stem(token.lower): token.lower
            for token in tokenize(self._gallery.captions[caption])
            if stem(token.lower) in new
        }
        telling = [word for word in words if word not in GENERAL_STEMS] or list(words)
        rarest = sorted(telling, key=lambda word: (-self._words.weigh([word]), word))[:_SHOWN]
        named = ", ".join(f'"{text}"' for word, text in words.items() if word in rarest)
        return Reason(NOBODY_ELSE, f"no other caption of the image says {named}")

    def ambiguous(self, caption: int, scores: np.ndarray, rank: float) -> Reason:
        example = self._shown(caption, scores)
        return Reason(
            AMBIGUOUS,
            f"captions of {rank:.0f} other images fit no less than its image's: {example}",
        )

    def _shown(self, caption: int, scores: np.ndarray) -> str:
        """Return of the best images the one with the caption that is most like a caption."""
        own = self._words.of_caption[caption]
        nearest = np.argsort(-scores, kind="stable")[:MANY_IMAGES].tolist()
        candidates = (c for image in nearest if scores[image] >= 0 for c in self._of_image[image])

        def likeness(other: int) -> float:
            words = self._words.of_caption[other]
            return len(own & words) / max(1, len(own | words))

        best = max(candidates, key=likeness)
        image = int(self._gallery.caption_image_index[best])
        text = self._gallery.captions[best].strip()
        return f'image {self._gallery.images[image].image_id}, "{text}"'
