"""What the other captions of an image tell of a word in one of them.

Captions of one image name the same things: a word that all the others have is to be expected, and
a thing that none of them names is a surprise. Words are compared by stem; function words tell
nothing. The shares below were counted in 170 images of COCO with five captions each.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, lru_cache

from error_analysis.reasons.nouns import COCO_CATEGORIES, SYNONYMS, plurals
from error_analysis.reasons.words import FUNCTION_WORDS, stem, tokenize

# A caption has a word that k of n others have with a probability near 0.93 (k - 1/2) / n: counted,
# it is 0.10, 0.34, 0.56 and 0.81 for one to four of four.
_AGREEMENT, _HALF = 0.93, 0.5
# The share of names of things that none of n others has is 1 / (1 + 1.0 n), of other words
# 1 / (1 + 0.25 n): counted, 0.19 and 0.49 for four.
_THING_RATE, _WORD_RATE = 1.0, 0.25
# Of the words that others have too, so many are in a form that none of them has.
_OTHER_FORM = math.log(0.06)
_CONTENT_WORDS = 6


class Siblings:
    """The other captions of the image that a caption is of.

    Args:
        captions: the others; may be none, which tell nothing.
        words: of the caption itself, lower-case.
        share: of a word among all words of all captions.

    Attributes:
        stems: of the words that they say, each with the number of captions that say it.
    """

    def __init__(
        self, captions: Iterable[str], words: Iterable[str], share: Callable[[str], float]
    ) -> None:
        said = [_said(caption) for caption in captions]
        self._n = len(said)
        self._words = Counter(word for words, _ in said for word in words)
        self.stems = Counter(root for _, roots in said for root in roots)
        rarest_first = sorted(self._words, key=lambda word: (self._words[word], word))
        self._form = {stem(word): word for word in rarest_first}
        self._own = Counter(map(stem, words))
        self._share = share

    def __len__(self) -> int:
        return self._n

    def number_who_say(self, word: str) -> int:
        """Return how many of them have the word, in any form.

        0 of a word that the caption has in another place, and of function words.
        """
        told = word not in FUNCTION_WORDS and not self._own[stem(word)]
        return self.stems[stem(word)] if told else 0

    def someone_says(self, word: str) -> bool:
        """Tell whether any of them has the word, in any form."""
        return self.stems[stem(word)] > 0

    def log_odds(self, intended: str, typed: str) -> float:
        """Return the log odds, by their words, that the caption has `intended`, not `typed`."""
        if not self._n:
            return 0.0
        # A word that the caption has in another place is not missed in this one.
        for_intended = 0.0 if self._own[stem(intended)] else self._log_expected(intended)
        return for_intended - self._log_expected_typed(typed)

    def log_odds_of_unsaid(self, typed: str) -> float:
        """Return what `log_odds` does not exceed of a word that none of them says in any form."""
        return -self._log_expected_typed(typed) if self._n else 0.0

    def _log_expected_typed(self, typed: str) -> float:
        return 0.0 if self._own[stem(typed)] > 1 else self._log_expected(typed)

    def _log_expected(self, word: str) -> float:
        """Return the log odds that the caption has a word, less those of any caption."""
        if word in FUNCTION_WORDS:
            return 0.0
        root = stem(word)
        times = self.stems[root]
        if not times:
            rate = _THING_RATE if root in _stems_of_things() else _WORD_RATE
            return -math.log1p(rate * self._n)
        expected = _AGREEMENT * (times - _HALF) / self._n
        usual = min(expected, _CONTENT_WORDS * self._share(self._form[root]))
        form = 0.0 if word in self._words else _OTHER_FORM
        return math.log(expected / usual) - math.log1p(-expected) + form


# As many as are looked at together: the captions of an image follow one another.
@lru_cache(maxsize=1000)
def _said(caption: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of a caption, and their stems."""
    words = frozenset(token.lower for token in tokenize(caption) if token.is_word)
    return words, frozenset(map(stem, words))


@cache
def _stems_of_things() -> frozenset[str]:
    names = [*COCO_CATEGORIES, *(name for others in SYNONYMS.values() for name in others)]
    nouns = (noun for name in names for noun in (name, *plurals(name)))
    return frozenset(stem(noun) for noun in nouns if " " not in noun)
