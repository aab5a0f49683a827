"""One sentence for all images."""

import pytest

from captioning.metrics.constant_caption import constant_caption
from captioning.metrics.scores import prepare_references, score_captions


def test_the_sentence_says_what_most_images_references_say():
    references = [
        ["a dog on grass", "a brown animal"],
        ["a dog on sand", "zebras"],
        ["a cat on grass", "purple haze all round about"],
    ]
    assert constant_caption(prepare_references(references)) == "a dog on grass"


def test_it_has_the_median_length():
    references = [["a", "a b", "a b c d e f g h i"], ["a", "a c", "a b c d e f g h i j"]]
    assert constant_caption(prepare_references(references)) == "a b"


def test_of_real_captions_it_scores_near_the_best(coco90_metrics):
    references = prepare_references(coco90_metrics["references"])
    sentence = constant_caption(references)
    assert sentence == "a bathroom with a tub and shower and a sink"
    scores = score_captions([sentence] * 90, references).values()
    recorded = coco90_metrics["sets"]["constant"]["ptb"]["corpus"]
    assert scores["CIDEr"] == pytest.approx(0.161, abs=0.001)
    assert scores["CIDEr"] > recorded["CIDEr"]
    assert scores["Bleu_1"] == pytest.approx(recorded["Bleu_1"], abs=0.01)
