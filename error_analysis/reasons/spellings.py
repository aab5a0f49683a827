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
    )
)  # fmt: skip
_ENDINGS = ("s", "es", "d", "ed", "r", "er", "ers", "n", "en", "ing", "y", "ly", "st", "est")


def is_form_of(one: str, other: str) -> bool:
    """Whether two lower-case words are forms of one: inflected, or British and American."""
    if stem(one) == stem(other) or _one_spelling(one) == _one_spelling(other):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) > 2 and long.startswith(short) and long[len(short) :] in _ENDINGS


@lru_cache(maxsize=200_000)
def _one_spelling(word: str) -> str:
    for pattern, replacement in _SPELLINGS:
        word = pattern.sub(replacement, word)
    return word
