"""CIDEr-D of hand-made images."""

from math import exp, log

import pytest

from captioning.metrics.cider import CiderWeights
from captioning.metrics.ngrams import count_ngrams


def weights_of(*images: list[str]) -> tuple[CiderWeights, list]:
    ngrams = [[count_ngrams(one.split()) for one in image] for image in images]
    weights = CiderWeights(ngrams)
    return weights, [[weights.vector(one) for one in image] for image in ngrams]


def test_a_caption_that_is_the_reference_has_ten():
    weights, vectors = weights_of(["a red dog runs"], ["two cats"])
    assert weights.score(vectors[0][0], vectors[0]) == pytest.approx(10)


def test_a_word_of_all_images_says_nothing_and_others_by_how_few_have_them():
    weights, vectors = weights_of(["a dog"], ["a cat"], ["a cat", "the cat"])
    # One word each in common, "dog" ln 3; "a" nothing; no bigram: a quarter, and 1 bigram fewer.
    found = weights.similarity(weights.vector(count_ngrams(["dog"])), vectors[0][0])
    assert found == pytest.approx(10 / 4 * exp(-1 / 72))
    # Beside a word that no reference has, ln 3 as well: a cosine of 45 degrees.
    odd = weights.vector(count_ngrams(["dog", "zebra"]))
    assert odd.norms[0] == pytest.approx(log(3) * 2**0.5)
    assert weights.similarity(odd, vectors[0][0]) == pytest.approx(10 / 4 / 2**0.5)


def test_saying_a_word_again_does_not_help():
    weights, vectors = weights_of(["a dog"], ["a cat"])
    once, thrice = (
        weights.similarity(weights.vector(count_ngrams(["dog"] * n)), vectors[0][0]) for n in (1, 3)
    )
    assert thrice < once / 2


def test_one_image_alone_has_nothing():
    weights, vectors = weights_of(["a red dog runs"])
    assert weights.score(vectors[0][0], vectors[0]) == 0


def test_a_value_depends_on_the_images_it_is_evaluated_with(coco90_metrics):
    for number, expected in coco90_metrics["cider_of_the_first_n_images_human_ptb"].items():
        n = int(number)
        weights, vectors = weights_of(*coco90_metrics["references_tokenized"]["ptb"][:n])
        candidates = coco90_metrics["sets"]["human"]["ptb"]["candidates_tokenized"][:n]
        own = [weights.vector(count_ngrams(one.split())) for one in candidates]
        found = sum(map(weights.score, own, vectors)) / n
        assert found == pytest.approx(expected, abs=1e-12)
