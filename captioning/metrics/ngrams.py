"""The n-grams of a caption, which BLEU and CIDEr-D count."""

from collections import Counter
from collections.abc import Sequence

LONGEST = 4
# Of 1 to 4 words: how often each occurs.
Ngrams = tuple[Counter[tuple[str, ...]], ...]


def count_ngrams(words: Sequence[str]) -> Ngrams:
    """Count the runs of 1, 2, 3 and 4 words: {("a", "dog"): 1, ...} second."""
    return tuple(
        Counter(zip(*(words[start:] for start in range(n)), strict=False))
        for n in range(1, LONGEST + 1)
    )
