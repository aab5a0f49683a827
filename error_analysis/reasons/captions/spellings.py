"""Whether two words are forms or spellings of one word."""

import re
from functools import lru_cache

from error_analysis.reasons.words import stem

_SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"ou", "o"), (r"ll", "l"), (r"tt", "t"), (r"ss", "s"), (r"ae|oe", "e"), (r"ey", "ay"),
        (r"tyre", "tire"), (r"^pyj", "paj"), (r"i[sz](?=e|ing|ation|ed)", "iz"),
        (r"ys(?=e|ing|ed)", "yz"), (r"tre(?=s?$)", "ter"), (r"bre(?=s?$)", "ber"),
        (r"ogue(?=s?$)", "og"), (r"ence(?=s?$)", "ense"), (r"que(?=s?$)", "ck"),
        (r"ugh(?=nut)|w(?=nut)", ""), (r"ies$", "ys"), (r"lough", "low"),
        (r"tte(?=s?$)", "t"), (r"cqu", "ck"), (r"ctic(?=e|ing)", "ctis"),
    )
)  # fmt: skip
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "ers", "n", "en", "ing", "y", "ly", "st", "est")


def is_form_of(one: str, other: str) -> bool:
    """Whether two lower-case words are forms of one: inflected, or British and American."""
    if stem(one) == stem(other) or _one_spelling(one) == _one_spelling(other):
        return True
    return (
        _is_inflected(one, other)
        or _is_inflected(other, one)
        or any(_is_inflected(other, base) for base in _bases(one))
    )


@lru_cache(maxsize=200_000)
def _bases(word: str) -> frozenset[str]:
    """Return what a word is a form of, by its endings, such as "check" of "checker"."""
    left = {word.removesuffix(ending) for ending in _ENDINGS if len(word) >= len(ending) + 4}
    return frozenset(base for base in left if _is_inflected(word, base))


def _is_inflected(long: str, short: str) -> bool:
    """Whether one word is the other with an ending: "curvy" and "curve", "barks" and "bark"."""
    base = short.removesuffix("e")
    return len(base) > 2 and any(long.removeprefix(root) in _ENDINGS for root in (short, base))


@lru_cache(maxsize=200_000)
def _one_spelling(word: str) -> str:
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)
    return word
