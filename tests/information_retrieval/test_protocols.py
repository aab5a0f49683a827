"""Which images and captions each protocol scores, and how folds are averaged."""

import numpy as np
import pytest

from information_retrieval.metrics import count_ranks, retrieval_metrics
from information_retrieval.protocols import (
    galleries,
    metrics_table,
    protocol_metrics,
    protocol_split,
)
from preprocess.errors import InputError
from preprocess.split_file import Caption, CaptionedImage, Split


def split_of(n_images: int, n_captions: int) -> Split:
    images = tuple(
        CaptionedImage(i, "a.jpg", tuple(Caption(10 * i + c, "a") for c in range(n_captions)))
        for i in range(n_images)
    )
    return Split("d", "test", "s", images)


def test_1k_is_the_first_thousand_images_with_their_first_five_captions():
    gallery = protocol_split(split_of(1003, 7), "1k")
    assert gallery.image_ids.tolist() == list(range(1000))
    assert len(gallery.captions) == 5000
    assert gallery.caption_ids[:6].tolist() == [0, 1, 2, 3, 4, 10]


def test_full_is_every_image_and_caption():
    split = split_of(3, 7)
    assert protocol_split(split, "full") is split


@pytest.mark.parametrize(("protocol", "needed"), [("1k", "1,000"), ("5fold", "5,000")])
def test_a_split_too_small_for_the_protocol_is_one_line(protocol, needed):
    with pytest.raises(InputError, match=f"takes {needed} images.*has 33; use --protocol full"):
        protocol_split(split_of(33, 5), protocol)


def test_five_folds_are_the_mean_of_five_galleries_cut_from_one_matrix():
    generator = np.random.default_rng(0)
    index = np.repeat(np.arange(20), 3)
    scores = generator.normal(size=(20, 60)).astype(np.float32)
    result = protocol_metrics(scores, index, "5fold", fold_images=4)
    by_hand = [
        retrieval_metrics(
            count_ranks(scores[4 * f : 4 * f + 4, 12 * f : 12 * f + 12], np.repeat(range(4), 3))
        )
        for f in range(5)
    ]
    assert result["folds"] == by_hand
    for key, value in result["metrics"].items():
        assert value == pytest.approx(np.mean([fold[key] for fold in by_hand]))


def test_one_gallery_is_the_whole_matrix():
    assert galleries("5k", 5000) == [slice(0, 5000)]
    assert len(galleries("5fold", 5000)) == 5
    index = np.arange(4)
    scores = np.eye(4, dtype=np.float32)
    result = protocol_metrics(scores, index, "full")
    assert result["metrics"] == retrieval_metrics(count_ranks(scores, index))
    assert "folds" not in result


def test_the_bounds_enclose_the_metrics_and_stand_in_the_table():
    scores = np.zeros((30, 30), np.float32)
    result = protocol_metrics(scores, np.arange(30), "full")
    assert result["bounds"]["pessimistic"]["i2t_r10"] == 0
    assert result["bounds"]["optimistic"]["i2t_r10"] == 100
    table = metrics_table(result)
    assert "0.00 [0.00, 100.00]" in table
    assert "protocol full" in table
