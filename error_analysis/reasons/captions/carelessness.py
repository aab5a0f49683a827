"""Who slips once slips again: how likely a slip is, given the signs of slips in other words.

Captions are taken to be written by two kinds of authors, in numbers that make one word in a hundred
a slip (`slips.WORD_SLIP`): one author in twenty mistypes a word in ten, the others one in 200. No
one has measured this for COCO.
"""

import math
from collections.abc import Sequence

import numpy as np

from error_analysis.reasons.captions.slips import WORD_SLIP

_SHARES = np.array([0.05, 0.95])
_RATES = np.array([0.1, 0.005])


def log_again(log_odds: Sequence[float]) -> list[float]:
    """Return for each word of a caption what the others' signs add to its log odds of a slip.

    Args:
        log_odds: that each word is a slip, were the others unknown; -inf where it cannot be one.
    """
    usual = math.exp(WORD_SLIP)
    signs = np.minimum(np.asarray(log_odds, np.float64), 50.0)  # (n_words,)
    likely = np.exp(signs) / usual * (1 - usual)  # (n_words,): slip against none, rate aside
    # Of each kind of author and word: (2, n_words).
    of_word = np.log1p(_RATES[:, None] * (likely - 1))
    others = np.log(_SHARES)[:, None] + of_word.sum(axis=1, keepdims=True) - of_word
    weights = np.exp(others - others.max(axis=0))
    odds = (weights * _RATES[:, None]).sum(axis=0) / (weights * (1 - _RATES[:, None])).sum(axis=0)
    return (np.log(odds) - math.log(usual / (1 - usual))).tolist()
