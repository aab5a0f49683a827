"""CIDEr-D (Vedantam et al., 2015), as coco-caption computes it, which calls it CIDEr.

A word counts by how few images have it in their references, so that a caption's value depends on
the images that it is evaluated with: with 2, 10, 45 and 90 images of COCO, captions by people have
.55, 1.19, .93 and .89. Values of different sets do not compare.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from captioning.metrics.ngrams import LONGEST, Ngrams

SIGMA = 6.0
SCALE = 10.0


@dataclass(frozen=True, slots=True)
class CiderVector:
    """A caption, by how much its n-grams say.

    Attributes:
        ngrams: how often each occurs.
        norms: (LONGEST) lengths of the vectors of count x weight.
        length: the number of its *bigrams*, which coco-caption takes for its length.
    """

    ngrams: Ngrams
    norms: tuple[float, ...]
    length: int


class CiderWeights:
    """How much each n-gram says: ln(number of images) - ln(images that have it in a reference).

    Args:
        references: of each image, the n-grams of its 1..n references.
    """

    def __init__(self, references: Iterable[Sequence[Ngrams]]) -> None:
        # By the length of n-grams less 1: how many images have each.
        self.frequencies = [Counter[tuple[str, ...]]() for _ in range(LONGEST)]
        self.n_images = 0
        for image in references:
            self.n_images += 1
            for n, of_length in enumerate(self.frequencies):
                of_length.update(set().union(*(reference[n] for reference in image)))
        self._most = log(self.n_images)  # of an n-gram that no reference has
        self._weights = [
            {gram: self._most - log(count) for gram, count in of_length.items()}
            for of_length in self.frequencies
        ]

    def vector(self, ngrams: Ngrams) -> CiderVector:
        """Return a caption's vector."""
        norms = tuple(
            sqrt(sum((count * of_length.get(g, self._most)) ** 2 for g, count in counts.items()))
            for of_length, counts in zip(self._weights, ngrams, strict=True)
        )
        return CiderVector(ngrams, norms, ngrams[1].total())

    def similarity(self, candidate: CiderVector, reference: CiderVector) -> float:
        """Return how similar two captions are, in [0, SCALE]; a count above the reference's is cut.

        The mean over the lengths of n-grams; coco-caption's mean is over the references as well.
        """
        total = 0.0
        for n in range(LONGEST):
            norms = candidate.norms[n] * reference.norms[n]
            if norms == 0:
                continue
            own, of_length = candidate.ngrams[n], self._weights[n]
            product = 0.0
            for gram, count in reference.ngrams[n].items():
                if gram in own:
                    weight = of_length.get(gram, self._most)
                    product += min(own[gram], count) * count * weight * weight
            total += product / norms
        apart = candidate.length - reference.length
        return SCALE * total / LONGEST * exp(-(apart**2) / (2 * SIGMA**2))

    def score(self, candidate: CiderVector, references: Sequence[CiderVector]) -> float:
        """Return CIDEr-D of one image's caption: the mean over its references, in [0, SCALE]."""
        return sum(self.similarity(candidate, one) for one in references) / len(references)
