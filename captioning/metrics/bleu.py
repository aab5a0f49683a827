"""BLEU-1 to BLEU-4 (Papineni et al., 2002), as coco-caption computes them.

Of all images together, not the mean of theirs: n-grams of all captions are added up, and so are the
lengths. One caption without an end can be half of them.
"""

from collections.abc import Sequence

import numpy as np

from captioning.metrics.ngrams import LONGEST, Ngrams

# coco-caption's, which keep 0 / 0 from being one.
TINY, SMALL = 1e-15, 1e-9
N_COUNTS = 2 * LONGEST + 2


def bleu_counts(
    candidate: Ngrams, n_words: int, references: Sequence[Ngrams], lengths: Sequence[int]
) -> list[int]:
    """Count what BLEU needs of one image.

    Args:
        n_words: of the candidate.
        references: 1..n of them; an n-gram counts as often as the one that has it most often.
        lengths: of the references, in words.

    Returns:
        N_COUNTS integers: matched n-grams of 1 to 4 words, n-grams of the candidate, its words,
        and those of the reference nearest in length, the shorter at a tie.
    """
    matches = [
        sum(
            min(count, max(reference[n].get(gram, 0) for reference in references))
            for gram, count in candidate[n].items()
        )
        for n in range(LONGEST)
    ]
    totals = [max(0, n_words - n) for n in range(LONGEST)]
    nearest = min((abs(length - n_words), length) for length in lengths)[1]
    return [*matches, *totals, n_words, nearest]


def bleu(counts: np.ndarray) -> np.ndarray:
    """Return BLEU-1 to BLEU-4 of counts of one image, or of several added up.

    Args:
        counts: (..., N_COUNTS) integer, see `bleu_counts`.

    Returns:
        (..., LONGEST) float64 in [0, 1].
    """
    matches, totals = counts[..., :LONGEST], counts[..., LONGEST : 2 * LONGEST]
    precisions = (matches + TINY) / (totals + SMALL)  # (..., LONGEST)
    means = np.cumprod(precisions, axis=-1) ** (1 / np.arange(1, LONGEST + 1))
    ratio = (counts[..., -2:-1] + TINY) / (counts[..., -1:] + SMALL)  # (..., 1)
    return means * np.exp(np.minimum(0.0, 1 - 1 / ratio))
