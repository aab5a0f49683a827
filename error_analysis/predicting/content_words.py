"""The words by which captions are compared: those that tell one caption from another."""

import re
from functools import cache

# In scikit-learn's list, but "two zebras" are not "four zebras".
NUMBERS = {"two", "three", "four", "five", "six", "eight", "nine", "ten", "eleven", "twelve"}
# What captions call themselves.
PICTURE_WORDS = {"image", "photo", "photograph", "picture", "view"}
WORD = re.compile(r"[^\W_]+")


@cache
def stop_words() -> frozenset[str]:
    """Return the words that are no content words, in lower case."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # takes a second

    return (ENGLISH_STOP_WORDS - NUMBERS) | PICTURE_WORDS


def content_words(caption: str) -> list[str]:
    """Return the words that tell captions apart, in lower case and without a plural's s."""
    stops = stop_words()
    words = [word for word in WORD.findall(caption.lower()) if word not in stops]
    return [re.sub(r"(?<=\w[^aeisu])s$|(?<=\we)s$", "", word) for word in words]
