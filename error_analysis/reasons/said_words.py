"""Which words the captions of a gallery say, of which image, and how much each tells."""

import math
from collections import Counter
from collections.abc import Iterable
from functools import cache

from error_analysis.reasons.nouns import HYPERNYMS, SYNONYMS, plurals
from error_analysis.reasons.words import GENERAL_STEMS, content_words, stem
from preprocess.captions.split_file import Split


class SaidWords:
    """The content words (stems) of a gallery's captions.

    Attributes:
        of_caption: of each caption.
        of_image: all that the captions of each image say, with the wider nouns of what they name.
    """

    def __init__(self, gallery: Split):
        self.of_caption = [frozenset(content_words(caption)) for caption in gallery.captions]
        n_captions = len(self.of_caption)
        n_with = Counter(word for words in self.of_caption for word in words)
        self._weight = {w: math.log((1 + n_captions) / (1 + n)) + 1 for w, n in n_with.items()}
        self.of_image: list[set[str]] = [set() for _ in gallery.images]
        for image, words in zip(gallery.caption_image_index, self.of_caption, strict=True):
            self.of_image[image] |= with_wider(words)

    def weigh(self, words: Iterable[str]) -> float:
        """Return the sum of the words' inverse document frequencies, at least 1 each."""
        return sum(self._weight[word] for word in words)

    def covered(self, image: int, caption: int) -> float:
        """Return the share, by weight, of a caption that an image's captions say, in [0, 1].

        Words that fit every picture do not count; 0 of a caption without content words.
        """
        words = self.of_caption[caption]
        telling = words - GENERAL_STEMS
        if not telling:
            return float(bool(words))
        return self.weigh(telling & self.of_image[image]) / self.weigh(telling)


def with_wider(words: Iterable[str]) -> set[str]:
    """Return stems with those of wider nouns: who says "kitten" also says "cat" and "animal"."""
    wider = _wider_nouns()
    return {other for word in words for other in (word, *wider.get(word, ()))}


@cache
def _wider_nouns() -> dict[str, frozenset[str]]:
    wider: dict[str, set[str]] = {}
    for category, others in SYNONYMS.items():
        above = [name for name, below in HYPERNYMS.items() if category in below]
        names = {stem(word) for word in (category, *above) if " " not in word}
        for name in (category, *others):
            for noun in (name, *plurals(name)):
                wider.setdefault(stem(noun), set()).update(names)
    return {noun: frozenset(names - {noun}) for noun, names in wider.items()}
