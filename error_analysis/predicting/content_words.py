"""The words by which captions are compared: those that tell one caption from another."""

import re

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

# In scikit-learn's list, but "two zebras" are not "four zebras".
NUMBERS = {"two", "three", "four", "five", "six", "eight", "nine", "ten", "eleven", "twelve"}
# What captions call themselves.
PICTURE_WORDS = {"image", "photo", "photograph", "picture", "view"}
STOP_WORDS = (ENGLISH_STOP_WORDS - NUMBERS) | PICTURE_WORDS
WORD = re.compile(r"[^\W_]+")


def content_words(caption: str) -> list[str]:
    """Return the words that tell captions apart, in lower case and without a plural's s."""
    words = [word for word in WORD.findall(caption.lower()) if word not in STOP_WORDS]
    return [re.sub(r"(?<=\w[^aeisu])s$|(?<=\we)s$", "", word) for word in words]
