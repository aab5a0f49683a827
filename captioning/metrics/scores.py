"""Captions scored against references: every image's values, and those of any set of images.

    references = prepare_references([["a dog", "a brown dog"], ["two cats"]])
    scores = score_captions(["a dog runs", "two cats"], references)
    scores.of_set()["CIDEr"]

Names are coco-caption's: "Bleu_1" to "Bleu_4", "METEOR", "ROUGE_L", "CIDEr" (which is CIDEr-D),
"SPICE"; beside them "CLIPScore" and "RefCLIPScore".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from captioning.metrics.bleu import N_COUNTS, bleu, bleu_counts
from captioning.metrics.cider import CiderVector, CiderWeights
from captioning.metrics.meteor import meteor
from captioning.metrics.ngrams import LONGEST, count_ngrams
from captioning.metrics.rouge import rouge_l
from captioning.metrics.words import Tokenization, caption_words

BLEUS = tuple(f"Bleu_{n}" for n in range(1, LONGEST + 1))
# In the order of coco-caption's table.
METRICS = (*BLEUS, "METEOR", "ROUGE_L", "CIDEr", "SPICE", "CLIPScore", "RefCLIPScore")


@dataclass(frozen=True)
class PreparedReferences:
    """The references of images, as metrics need them; made once for all captions of these images.

    Attributes:
        words: of each image, the words of its references.
        vectors: the same references as CIDEr-D's vectors.
        weights: CIDEr-D's, of all these images.
    """

    tokenization: Tokenization
    words: list[list[list[str]]]
    vectors: list[list[CiderVector]]
    weights: CiderWeights


@dataclass(frozen=True)
class ImageScores:
    """What the captions of a set of images scored.

    Attributes:
        bleu: (n_images, bleu.N_COUNTS) int64.
        means: by name, (n_images,) float64 of the metrics whose value of a set is the mean.
        meteor: (n_images, meteor.N_COUNTS) float64; None where it was not computed.
    """

    bleu: np.ndarray
    means: Mapping[str, np.ndarray] = field(default_factory=dict)
    meteor: np.ndarray | None = None

    @property
    def n_images(self) -> int:
        return len(self.bleu)

    def per_image(self) -> dict[str, np.ndarray]:
        """Return the metrics of each image: (n_images,) float64, by name."""
        of_meteor = {} if self.meteor is None else {"METEOR": meteor(self.meteor)}
        return _in_order({**_named_bleu(bleu(self.bleu)), **of_meteor, **self.means})

    def of_set(self, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the metrics of all images together.

        Args:
            weights: (n_sets, n_images) integer, how often each image is in each set; None for all
                images once.

        Returns:
            by name, (n_sets,) float64; (1,) without weights.
        """
        if weights is None:
            weights = np.ones((1, self.n_images), np.int64)
        n_images = weights.sum(axis=1)
        found = _named_bleu(bleu(weights @ self.bleu))  # of (n_sets, N_COUNTS)
        if self.meteor is not None:
            found["METEOR"] = meteor(weights @ self.meteor)
        return _in_order({**found, **{k: weights @ v / n_images for k, v in self.means.items()}})

    def values(self) -> dict[str, float]:
        """Return the metrics of all images together."""
        return {name: values.item() for name, values in self.of_set().items()}

    def chosen(self, rows: Sequence[int]) -> "ImageScores":
        """Return the scores of some images; CIDEr-D's weights are those of all, as they were."""
        means = {name: values[rows] for name, values in self.means.items()}
        return ImageScores(
            self.bleu[rows], means, None if self.meteor is None else self.meteor[rows]
        )

    def with_means(self, means: Mapping[str, np.ndarray]) -> "ImageScores":
        """Return the same with metrics more, of each image."""
        return replace(self, means={**self.means, **means})


def _named_bleu(values: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[..., n] for n, name in enumerate(BLEUS)}


def _in_order(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: found[name] for name in METRICS if name in found}


def prepare_references(
    references: Sequence[Sequence[str]], tokenization: Tokenization = "ptb"
) -> PreparedReferences:
    """Cut the references of each image into words, and weigh their n-grams.

    Args:
        references: of each image, 1..n sentences.
    """
    words = [[caption_words(one, tokenization) for one in image] for image in references]
    ngrams = [[count_ngrams(one) for one in image] for image in words]
    weights = CiderWeights(ngrams)
    vectors = [[weights.vector(one) for one in image] for image in ngrams]
    return PreparedReferences(tokenization, words, vectors, weights)


def score_captions(captions: Sequence[str], references: PreparedReferences) -> ImageScores:
    """Score one caption an image with BLEU, ROUGE-L and CIDEr-D.

    CIDEr-D of one image alone is always 0: each n-gram of its references is in all images.
    """
    counts = np.zeros((len(captions), N_COUNTS), np.int64)
    rouge, cider = np.zeros(len(captions)), np.zeros(len(captions))
    rows = zip(captions, references.words, references.vectors, strict=True)
    for row, (caption, own_words, own_vectors) in enumerate(rows):
        words = caption_words(caption, references.tokenization)
        ngrams, lengths = count_ngrams(words), [len(one) for one in own_words]
        counts[row] = bleu_counts(ngrams, len(words), [v.ngrams for v in own_vectors], lengths)
        rouge[row] = rouge_l(words, own_words)
        cider[row] = references.weights.score(references.weights.vector(ngrams), own_vectors)
    return ImageScores(counts, {"ROUGE_L": rouge, "CIDEr": cider})
