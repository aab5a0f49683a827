"""Misspellings as annotators make them: slips of the fingers and slips of the mind."""

import numpy as np

from demo.scenes.phrases import NOUNS
from demo.scenes.scenes import COLOURS

# Slips that give another real word, which no spelling checker would mark.
REAL_WORD_SLIPS = {
    "house": "horse", "tree": "three", "car": "cat", "boat": "goat", "ball": "bell",
    "kite": "bite", "cup": "cap", "flower": "flour", "fish": "fist", "cat": "cart",
    "dog": "fog", "green": "greed", "blue": "blew", "white": "while", "pink": "pin",
    "beach": "bench", "night": "right", "snow": "show", "desert": "dessert", "street": "strait",
    "lake": "late", "meadow": "meddle", "room": "roof", "sand": "send", "water": "waiter",
}  # fmt: skip
_NEIGHBOUR_KEYS = {
    "a": "s", "b": "v", "c": "x", "d": "s", "e": "r", "f": "g", "g": "h", "h": "j", "i": "o",
    "k": "l", "l": "k", "m": "n", "n": "m", "o": "p", "p": "o", "r": "t", "s": "d", "t": "y",
    "u": "i", "v": "b", "w": "e", "y": "u",
}  # fmt: skip
_NOUN_WORDS = " ".join(" ".join((name, *others)) for name, others in NOUNS.items()).split()
_CONTENT_WORDS = frozenset([*_NOUN_WORDS, *COLOURS, *REAL_WORD_SLIPS])


def misspell(text: str, generator: np.random.Generator) -> str:
    """Return `text` with one or two of its content words misspelt, never unchanged.

    Things, colours and places are content words; a caption that names none of them has its
    longest word misspelt.
    """
    words = text.split(" ")
    bare = [word.strip(".,").lower() for word in words]
    places = [i for i, word in enumerate(bare) if word in _CONTENT_WORDS]
    if not places:
        places = [max(range(len(words)), key=lambda i: len(bare[i]))]
    count = min(len(places), int(generator.integers(1, 3)))
    for place in generator.permutation(places)[:count].tolist():
        word = bare[place]
        words[place] = words[place].lower().replace(word, _misspell_word(word, generator))
    misspelt = " ".join(words)
    return misspelt if text[0].islower() else misspelt[0].upper() + misspelt[1:]


def _misspell_word(word: str, generator: np.random.Generator) -> str:
    """Return a slip of the word: the real-word slip it has, or a non-word."""
    if word in REAL_WORD_SLIPS and generator.random() < 0.25:
        return REAL_WORD_SLIPS[word]
    slips = [_transposed, _dropped, _doubled, _neighbouring, _misvowelled]
    while True:
        slip = slips[generator.integers(len(slips))](word, generator)
        if slip not in (word, *_CONTENT_WORDS):
            return slip


def _transposed(word: str, generator: np.random.Generator) -> str:
    place = int(generator.integers(0 if len(word) < 4 else 1, len(word) - 1))
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _dropped(word: str, generator: np.random.Generator) -> str:
    place = int(generator.integers(1, len(word)))
    return word[:place] + word[place + 1 :]


def _doubled(word: str, generator: np.random.Generator) -> str:
    place = int(generator.integers(len(word)))
    return word[: place + 1] + word[place:]


def _neighbouring(word: str, generator: np.random.Generator) -> str:
    place = int(generator.integers(len(word)))
    return word[:place] + _NEIGHBOUR_KEYS.get(word[place], word[place]) + word[place + 1 :]


def _misvowelled(word: str, generator: np.random.Generator) -> str:
    places = [i for i, letter in enumerate(word) if letter in "aeiou"] or [0]
    place = places[generator.integers(len(places))]
    return word[:place] + "aeiou"[generator.integers(5)] + word[place + 1 :]
