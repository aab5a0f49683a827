"""What a slip of the fingers or the mind makes of a word, and how likely it is."""

import math
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise

from symspellpy import SymSpell, Verbosity

from error_analysis.reasons.captions.general_english import general_counts

# One word in a hundred is mistyped, as in crowd-sourced text that nobody proofreads.
WORD_SLIP = math.log(0.01)
# A second slip in the same word: rarer than a first in a word, commoner than in the next word.
_SECOND_SLIP = math.log(0.1)
# One slip in five is of the mind: the sound is kept ("pale" for "pail"), in one of two spellings.
_SOUND_SLIP = math.log(0.2 / 2)
# Kinds of slips of the fingers (Kukich 1992 gives the four kinds for 80 to 95 % of misspellings,
# none of them rare), and the shares that fall on likely letters: neighbouring keys, other vowels
# and doubled letters.
_SUBSTITUTE, _INSERT, _DELETE, _TRANSPOSE = (math.log(p) for p in (0.4, 0.2, 0.25, 0.15))
_LIKELY, _LIKELY_LETTER, _OTHER_LETTER = math.log(0.7), math.log(0.7 / 8), math.log(0.3 / 25)
_DOUBLED_LETTER = math.log(0.5)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = frozenset("aeiou")


def _neighbouring_keys() -> frozenset[tuple[str, str]]:
    pairs = [pair for row in _ROWS for pair in pairwise(row)]
    for upper, lower in pairwise(_ROWS):
        pairs += [(u, k) for i, u in enumerate(upper) for k in lower[max(0, i - 1) : i + 1]]
    return frozenset([*pairs, *((b, a) for a, b in pairs)])


_KEYS = _neighbouring_keys()


@lru_cache(maxsize=200_000)
def log_slip(typed: str, intended: str) -> float:
    """Return the log probability that `intended` comes out as `typed`, another word."""
    fingers = _log_fingers(typed, intended)
    if sound(typed) == sound(intended):
        fingers = max(fingers, _SOUND_SLIP)
    return WORD_SLIP + fingers


def _log_fingers(typed: str, intended: str) -> float:
    """Return the log probability of the best sequence of slips, the first being given.

    A weighted Damerau-Levenshtein distance: rows are letters of `intended`.
    """
    place = -math.log(len(intended)) + _SECOND_SLIP
    best = [[-math.inf] * (len(typed) + 1) for _ in range(len(intended) + 1)]
    best[0][0] = 0.0
    for i in range(len(intended) + 1):
        for j in range(len(typed) + 1):
            a, b = intended[i - 1 : i], typed[j - 1 : j]
            ways = [best[i][j]]
            if i and j:
                same = 0.0 if a == b else _SUBSTITUTE + _letter(a, b) + place
                ways.append(best[i - 1][j - 1] + same)
            if i:
                ways.append(best[i - 1][j] + _DELETE + place)
            if j:
                letter = _inserted(b, a, intended[i : i + 1])
                ways.append(best[i][j - 1] + _INSERT + letter + place)
            if i > 1 and j > 1 and a == typed[j - 2] and b == intended[i - 2] and a != b:
                ways.append(best[i - 2][j - 2] + _TRANSPOSE + place)
            best[i][j] = max(ways)
    return best[-1][-1] - _SECOND_SLIP


def _inserted(typed: str, before: str, after: str) -> float:
    """Return the log probability of a letter, given that one was inserted between two."""
    if typed in (before, after):
        return _DOUBLED_LETTER
    near = (before, typed) in _KEYS or (after, typed) in _KEYS
    return _DOUBLED_LETTER + (_LIKELY_LETTER if near else _OTHER_LETTER)


def _letter(intended: str, typed: str) -> float:
    likely = _likely_letters(intended)
    return _LIKELY - math.log(len(likely)) if typed in likely else _OTHER_LETTER


@cache
def _likely_letters(intended: str) -> frozenset[str]:
    """Return the letters that one letter is mostly mistyped as."""
    near = {b for a, b in _KEYS if a == intended}
    return frozenset(near | (_VOWELS if intended in _VOWELS else set()) - {intended})


# From spelling to sound, in order; capitals are long vowels. Rough: it only has to bring together
# the spellings of one English sound.
_SOUNDS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^kn|^gn", "n"), (r"^wr", "r"), (r"^wh", "w"), (r"ph", "f"), (r"mb$", "m"),
        (r"(?:ear|er|ir|ur)(?=[dlnt])", "er"),
        (r"(?:air|are|ear|eir|ere|eer)(?=s?$)", "Ar"),
        (r"igh", "I"), (r"eigh|aigh", "A"), (r"tch", "ch"), (r"ck|q", "k"),
        (r"c(?=[eiy])", "s"), (r"c(?!h)", "k"), (r"x", "ks"),
        (r"(?<=[^aeiou])y$|ie$", "I"), (r"ei|ai|ay|ey", "A"), (r"ea|ee|ie", "E"),
        (r"oa|oe", "O"), (r"ew|ue|oo", "U"), (r"ower|our", "Wr"), (r"ow|ou", "W"), (r"au|aw", "C"),
        (r"a(?=(?:[^aeiouAEIOUW]|st)e$)", "A"), (r"e(?=[^aeiouAEIOUW]e$)", "E"),
        (r"i(?=[^aeiouAEIOUW]e$)", "I"), (r"o(?=(?:[^aeiouAEIOUW]|rs)e$)", "O"),
        (r"u(?=[^aeiouAEIOUW]e$)", "U"), (r"ours", "Ors"),
        (r"(?<=[^aeiou])e$", ""), (r"([a-z])\1", r"\1"),
    )
)  # fmt: skip


@lru_cache(maxsize=200_000)
def sound(word: str) -> str:
    """Return a rough code of how a lower-case word sounds: "lite" and "light" agree."""
    for pattern, replacement in _SOUNDS:
        word = pattern.sub(replacement, word)
    return word


@cache
def _general_dictionary() -> SymSpell:
    return _dictionary(general_counts()[0].items())


def _dictionary(words: Iterable[tuple[str, int]]) -> SymSpell:
    dictionary = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
    for word, count in words:
        dictionary.create_dictionary_entry(word, count)
    return dictionary


@cache
def _general_sounds() -> dict[str, list[str]]:
    return _sounds(general_counts()[0])


def _sounds(words: Iterable[str]) -> dict[str, list[str]]:
    by_sound: dict[str, list[str]] = {}
    for word in words:
        by_sound.setdefault(sound(word), []).append(word)
    return by_sound


class Vocabulary:
    """The words of general English and of training captions, found by likeness.

    Args:
        words: of the training captions, lower-case, with their counts.
    """

    def __init__(self, words: dict[str, int]) -> None:
        general = general_counts()[0]
        # Seen once, it may well be a typo: nobody's intended word.
        own = {w: n for w, n in words.items() if n > 1 and w.isalpha() and w not in general}
        self._dictionaries = (_general_dictionary(), _dictionary(own.items()))
        self._sounds = (_general_sounds(), _sounds(own))

    def near(self, word: str, distance: int) -> list[str]:
        """Return the other words within `distance` edits."""
        found = {
            suggestion.term
            for dictionary in self._dictionaries
            for suggestion in dictionary.lookup(word, Verbosity.ALL, distance)
        }
        return sorted(found - {word})

    def sounding_like(self, word: str) -> list[str]:
        """Return the other words that sound the same."""
        code = sound(word)
        return [w for sounds in self._sounds for w in sounds.get(code, ()) if w != word]
