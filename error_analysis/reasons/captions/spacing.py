"""Spaces that slipped: "ont he side" for "on the side", "dryin g" for "drying"."""

import math
from itertools import pairwise

from error_analysis.reasons.captions.language_model import BOUNDARY, LanguageModel
from error_analysis.reasons.words import Token, tokenize

# Words below ten in a million are rare.
_RARE = 1e-5
# One space in 2,000 is put a letter too early or too late.
_SPACE_SLIP = math.log(0.0005)


def respaced(caption: str, model: LanguageModel) -> tuple[str, list[str]]:
    """Return the caption with its spaces where they were meant, and a line on each that moved.

    Only pairs are tried of which one is no word, or a rare one.
    """
    evidence: list[str] = []
    start = 0
    while True:
        found = _first_slip(caption, model, start)
        if found is None:
            return caption, evidence
        one, two, meant = found
        evidence.append(f"{one.text} {two.text}, for {meant}")
        caption = caption[: one.start] + meant + caption[two.end :]
        start = one.start + len(meant)


def _first_slip(caption: str, model: LanguageModel, start: int) -> tuple[Token, Token, str] | None:
    tokens = tokenize(caption)
    words = [token.lower if token.text[0].isalnum() else BOUNDARY for token in tokens]
    common = [_is_common(model, word) for word in words]
    context = [BOUNDARY, *words, BOUNDARY, BOUNDARY]
    # What lies before `start` is context only.
    first = next((i for i, token in enumerate(tokens) if token.start >= start), len(tokens))
    for place in range(first, len(tokens) - 1):
        if common[place] and common[place + 1]:
            continue
        one, two = tokens[place : place + 2]
        lower = one.is_plain and two.is_plain and (one.text + two.text[1:])[1:].islower()
        if not lower or two.start - one.end != 1:
            continue
        left, right = context[place], context[place + 3]
        as_typed = _log_path(model, (left, *words[place : place + 2], right))
        # "Surf board" is a matter of style: it is left as it is.
        known = all(len(word) > 1 and model.is_known(word) for word in words[place : place + 2])
        for meant in _moved(one.text, two.text)[known:]:
            parts = meant.lower().split()
            if _go_together(model, parts):
                odds = _SPACE_SLIP + _log_path(model, (left, *parts, right)) - as_typed
                if odds > 0:
                    return one, two, meant
    return None


def _is_common(model: LanguageModel, word: str) -> bool:
    return model.word(word) > _RARE and (len(word) > 1 or word in "ai")


def _go_together(model: LanguageModel, parts: list[str]) -> bool:
    """Whether the parts are words, and two are seen together more than chance would have it."""
    if not all(map(model.is_known, parts)):
        return False
    return len(parts) == 1 or model.pair(*parts) > model.word(parts[1])


def _moved(one: str, two: str) -> list[str]:
    """Return the two words with the space gone, or a letter earlier or later."""
    moved = [one + two]
    if len(one) > 1:
        moved.append(f"{one[:-1]} {one[-1]}{two}")
    if len(two) > 1:
        moved.append(f"{one}{two[0]} {two[1:]}")
    return moved


def _log_path(model: LanguageModel, words: tuple[str, ...]) -> float:
    return sum(math.log(model.pair(a, b)) for a, b in pairwise(words))
