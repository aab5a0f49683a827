"""Scores of images and of sets, against what pycocoevalcap gave."""

import numpy as np
import pytest

from captioning.metrics.scores import METRICS, ImageScores, prepare_references, score_captions
from tests.captioning.recorded import (
    CAPTIONS,
    METEOR_COUNTS,
    OF_SET,
    PER_IMAGE,
    REFERENCES,
)

OURS = tuple(OF_SET)


def test_our_own_images_have_the_recorded_values():
    scores = score_captions(CAPTIONS, prepare_references(REFERENCES))
    assert list(scores.values()) == list(OURS)
    for name in OURS:
        assert scores.values()[name] == pytest.approx(OF_SET[name], abs=1e-12)
        np.testing.assert_allclose(scores.per_image()[name], PER_IMAGE[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("tokenization", ["ptb", "plain"])
def test_real_captions_and_broken_ones_have_the_recorded_values(coco90_metrics, tokenization):
    references = prepare_references(coco90_metrics["references"], tokenization)
    for one in coco90_metrics["sets"].values():
        scores = score_captions(one["candidates"], references)
        recorded, of_set, per_image = one[tokenization], scores.values(), scores.per_image()
        for name in OURS:
            assert of_set[name] == pytest.approx(recorded["corpus"][name], abs=1e-12)
            expected = recorded["per_image"][name]
            np.testing.assert_allclose(per_image[name], expected, rtol=0, atol=1e-12)


def test_a_set_is_what_its_images_drawn_as_often_are():
    scores = score_captions(CAPTIONS, prepare_references(REFERENCES))
    scores = ImageScores(scores.bleu, scores.means, METEOR_COUNTS.astype(float))
    drawn = scores.of_set(np.array([[2, 0, 1, 1], [0, 0, 4, 0]]))
    for row, rows in enumerate(([0, 0, 2, 3], [2, 2, 2, 2])):
        for name, value in scores.chosen(rows).values().items():
            assert drawn[name][row] == pytest.approx(value, abs=1e-15)


def test_metrics_come_in_the_order_of_the_usual_table():
    scores = ImageScores(
        np.ones((2, 10), int), {"SPICE": np.ones(2), "ROUGE_L": np.ones(2)}, np.ones((2, 23))
    )
    found = list(scores.values())
    assert found == [name for name in METRICS if name in found]
    assert list(scores.per_image()) == found
