"""How likely a word is beside another: general English joined with training captions.

The weight of the general counts is stated in words of captions, so that a large
set of captions outvotes them and a small one leans on them.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

from error_analysis.reasons.captions.general_english import general_counts, general_pairs
from error_analysis.reasons.captions.slips import log_slip
from error_analysis.reasons.words import tokenize

BOUNDARY = "<s>"
# A word that is in no dictionary and no training caption: once in the trillion words counted.
_UNKNOWN = 1e-12
# Captions name rare things more often than the web does: a word of the dictionary that no training
# caption has is taken to be one in a million, or a twentieth of one word in very many captions.
_RAREST, _UNSEEN = 1e-6, 0.05
# How sure the web's share of a word is as a guess of its share among captions' words: as sure as
# having seen the word a tenth of a time. The web speaks of "us" and "you" more than captions do,
# which shows as soon as there are captions enough for them to be missed. It is the shape of a gamma
# prior: the likeliest given the counts of the frequent words in 12,000 words of COCO's captions.
_CERTAINTY = 0.1
# How many words after a given word of captions the general counts of pairs are worth.
_GENERAL_FOLLOWERS = 30
# The share of a phrase's places that end it: captions have about eleven words.
_BOUNDARY_SHARE = 0.08
# Writing one certain wrong word for a frequent one happens less often than this.
_SLIP_SHARE = 0.01


def phrase_words(caption: str) -> list[str]:
    """Return the lower-case words; each punctuation mark, and both ends, is a `BOUNDARY`."""
    words = [t.lower if t.text[0].isalnum() else BOUNDARY for t in tokenize(caption)]
    return [BOUNDARY, *words, BOUNDARY]


def _counts(captions: Iterable[str]) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Return how often each word, and each pair of words, is seen."""
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for caption in captions:
        phrase = phrase_words(caption)
        words.update(phrase[1:])
        pairs.update(pairwise(phrase))
    return words, pairs


class LanguageModel:
    """Probabilities of words and word pairs.

    Args:
        training_captions: may be few, none, and have typos of their own.
        neighbours: the words of these captions that differ from a word by one slip. A word's
            count is lowered by what slips of its most frequent neighbour explain, so that a typo
            that many training captions share does not become a word.
    """

    def __init__(
        self,
        training_captions: Iterable[str],
        neighbours: Callable[[str], list[str]],
        gallery_captions: Iterable[str] = (),
    ) -> None:
        self.words, self._pairs = _counts(training_captions)
        own_words, own_pairs = _counts(gallery_captions)
        self.words.update({word: count - 1 for word, count in own_words.items() if count > 1})
        self._pairs.update({pair: count - 1 for pair, count in own_pairs.items() if count > 1})
        self._followers: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        for (left, _), count in self._pairs.items():
            self._followers[left] += count
            self._kinds[left] += 1
        self._n_words = self.words.total()
        self._neighbours = neighbours
        self._general, self._general_total = general_counts()
        self._general_pairs = general_pairs()
        self._trust_of: dict[str, float] = {}
        self._word_of: dict[str, float] = {}
        self._pair_of: dict[tuple[str, str], float] = {}

    def is_known(self, word: str) -> bool:
        """Whether a dictionary has the word, or training captions use it beyond chance."""
        return word in self._general or self.words[word] * self._trust(word) >= 3

    @property
    def rarest_word(self) -> float:
        """The least probability of a word that is in the dictionary and was not meant otherwise."""
        return min(_RAREST, _UNSEEN / (self._n_words + 1))

    def word(self, word: str) -> float:
        """Return the probability of a word, whatever its neighbours."""
        if word not in self._word_of:
            seen = self.words[word] * self._trust(word)
            self._word_of[word] = (seen + _CERTAINTY) / (
                self._n_words + _CERTAINTY / self._general_word(word)
            )
        return self._word_of[word]

    def pair(self, left: str, right: str) -> float:
        """Return the probability of `right` after `left`."""
        key = (left, right)
        if key not in self._pair_of:
            # A pair seen once may be a slip itself: it counts for half.
            n_seen = self._pairs[key]
            seen = (0.5 if n_seen == 1 else n_seen) * self._trust(right)
            backing = 0.5 * self.word(right) + 0.5 * self._general_pair(left, right)
            # Words that many kinds of words follow are followed by new ones too (Witten and Bell).
            new = _GENERAL_FOLLOWERS + self._kinds[left]
            self._pair_of[key] = (seen + new * backing) / (self._followers[left] + new)
        return self._pair_of[key]

    def log_pair(self, left: str, right: str) -> float:
        """Return the logarithm of `pair`."""
        return math.log(self.pair(left, right))

    def _trust(self, word: str) -> float:
        """Return the share of the word's training count that no slip explains."""
        if word not in self._trust_of:
            count = self.words[word]
            trust = 1.0
            if count and word.isalpha():
                trust = max(0.0, 1 - self._slips(word) / count)
            self._trust_of[word] = trust
        return self._trust_of[word]

    def _slips(self, word: str) -> float:
        """Return how often the word is a slip of another one, at most."""
        known = word in self._general
        return max(
            (
                self.words[n] * (math.exp(log_slip(word, n)) if known else _SLIP_SHARE)
                for n in self._neighbours(word)
            ),
            default=0,
        )

    def _general_word(self, word: str) -> float:
        if word == BOUNDARY:
            return _BOUNDARY_SHARE
        return max(_UNKNOWN, self._general.get(word, 0) / self._general_total)

    def _general_pair(self, left: str, right: str) -> float:
        if BOUNDARY in (left, right) or left not in self._general:
            return self._general_word(right)
        count = self._general_pairs.get((left, right), 0.0)
        return count / max(self._general[left], count)
