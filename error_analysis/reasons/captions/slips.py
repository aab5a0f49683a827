"""What a slip of the fingers or the mind makes of a word, and how likely it is."""

import math
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise

from symspellpy import SymSpell, Verbosity

from error_analysis.reasons.captions.general_english import general_counts

# Nobody means a word rarer than one in ten million.
LEAST_WORD = 1e-7
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
    rows = [[0.0]]
    for b in typed:
        rows[0].append(rows[0][-1] + _INSERT + _inserted(b, "", intended[:1]) + place)
    for i, a in enumerate(intended):
        above, after = rows[-1], intended[i + 1 : i + 2]
        row = [above[0] + _DELETE + place]
        for j, b in enumerate(typed):
            best = above[j] if a == b else above[j] + (_SUBSTITUTE + _letter(a, b) + place)
            best = max(
                best,
                above[j + 1] + _DELETE + place,
                row[j] + _INSERT + _inserted(b, a, after) + place,
            )
            if i and j and a == typed[j - 1] and b == intended[i - 1] and a != b:
                best = max(best, rows[-2][j - 1] + _TRANSPOSE + place)
            row.append(best)
        rows.append(row)
    return rows[-1][-1] - _SECOND_SLIP


@cache
def _inserted(typed: str, before: str, after: str) -> float:
    """Return the log probability of a letter, given that one was inserted between two."""
    if typed in (before, after):
        return _DOUBLED_LETTER
    near = (before, typed) in _KEYS or (after, typed) in _KEYS
    return _DOUBLED_LETTER + (_LIKELY_LETTER if near else _OTHER_LETTER)


@cache
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
def _usual_words() -> dict[str, int]:
    """Return the counts of the words of general English that anyone may have meant."""
    counts, total = general_counts()
    return {word: count for word, count in counts.items() if count >= LEAST_WORD * total}


@cache
def _usual_dictionary() -> SymSpell:
    return _dictionary(_usual_words().items())


def _dictionary(words: Iterable[tuple[str, int]]) -> SymSpell:
    # A prefix of 6 takes less to index than 7, and no longer to find the words of COCO's captions.
    dictionary = SymSpell(max_dictionary_edit_distance=2, prefix_length=6)
    for word, count in words:
        dictionary.create_dictionary_entry(word, count)
    return dictionary


def _near(dictionary: SymSpell, word: str, distance: int) -> set[str]:
    found = dictionary.lookup(word, Verbosity.ALL, distance)
    return {suggestion.term for suggestion in found} - {word}


@cache
def _usual_sounds() -> dict[str, list[str]]:
    return _sounds(_usual_words())


def _sounds(words: Iterable[str]) -> dict[str, list[str]]:
    by_sound: dict[str, list[str]] = {}
    for word in words:
        by_sound.setdefault(sound(word), []).append(word)
    return by_sound


class Vocabulary:
    """The usual words of general English, and those of training captions, found by likeness.

    Args:
        words: of the training captions, lower-case, with their counts.
    """

    def __init__(self, words: dict[str, int]) -> None:
        general, usual = general_counts()[0], _usual_words()
        # Seen once, what is no word of English may well be a typo: nobody's intended word.
        own = {w: n for w, n in words.items() if w in general or (n > 1 and w.isalpha())}
        self._own = _dictionary(own.items())
        self._sounds = (_usual_sounds(), _sounds(own.keys() - usual.keys()))

    def near(self, word: str, distance: int) -> list[str]:
        """Return the other words within `distance` edits."""
        return sorted({*_near(_usual_dictionary(), word, distance), *self.own_near(word, distance)})

    def own_near(self, word: str, distance: int) -> list[str]:
        """Return those that training captions have."""
        return sorted(_near(self._own, word, distance))

    def sounding_like(self, word: str) -> list[str]:
        """Return the other words that sound the same."""
        code = sound(word)
        return [w for sounds in self._sounds for w in sounds.get(code, ()) if w != word]
