"""ROUGE-L (Lin, 2004), as coco-caption computes it."""

from collections import defaultdict
from collections.abc import Sequence

BETA = 1.2


def rouge_l(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return the F measure of the longest common subsequence, in [0, 1].

    Precision and recall are each the best over the references, perhaps of different ones. A caption
    without words counts as one empty word, which it shares with a reference without words.
    """
    candidate = candidate or [""]
    precision = recall = 0.0
    for words in references:
        reference = words or [""]
        common = common_subsequence(reference, candidate)
        precision = max(precision, common / len(candidate))
        recall = max(recall, common / len(reference))
    if precision == 0:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    The row of the usual table is one integer, of a bit for each word of `first` (Hyyrö, 2004), so
    that a second of 18,000 words takes as many steps.
    """
    places: defaultdict[str, int] = defaultdict(int)
    for place, word in enumerate(first):
        places[word] |= 1 << place
    every = (1 << len(first)) - 1
    row = every
    for word in second:
        here = row & places.get(word, 0)
        row = ((row + here) | (row - here)) & every
    return (every ^ row).bit_count()
