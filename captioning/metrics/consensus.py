"""How far each caption of an image agrees with the image's others: CIDEr-D, itself left out.

No model is needed. A caption that says what nobody else says of its image has a value near 0.
"""

from collections.abc import Sequence

import numpy as np

from captioning.metrics.cider import CiderWeights
from captioning.metrics.ngrams import Ngrams, count_ngrams
from captioning.metrics.words import Tokenization, caption_words


def consensus(
    captions: Sequence[Sequence[str]], tokenization: Tokenization = "ptb"
) -> list[np.ndarray]:
    """Score each caption against the others of its image.

    The k-th captions of all images are left out together, so that their values are those of a
    captioner that says them, with all other captions for references. As always with CIDEr-D, they
    depend on the set of images, and values of different sets do not compare.

    Args:
        captions: of each image, 1..n sentences.

    Returns:
        of each image, (n_captions,) float64 in [0, 10]; NaN of a caption that is its image's only
        one.
    """
    ngrams = [[count_ngrams(caption_words(c, tokenization)) for c in own] for own in captions]
    found = [np.full(len(own), np.nan) for own in ngrams]
    for place in range(max(map(len, ngrams), default=0)):
        others = [_without(own, place) for own in ngrams]
        weights = CiderWeights(others)
        for own, rest, values in zip(ngrams, others, found, strict=True):
            if len(own) > max(1, place):
                references = [weights.vector(one) for one in rest]
                values[place] = weights.score(weights.vector(own[place]), references)
    return found


def _without(own: Sequence[Ngrams], place: int) -> Sequence[Ngrams]:
    """Return the captions of an image but the one at a place; its only one stays."""
    return own if len(own) == 1 else [*own[:place], *own[place + 1 :]]
