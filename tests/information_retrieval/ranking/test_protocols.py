"""Which images and captions each protocol scores, and how folds are averaged."""

import re
from math import comb

import numpy as np
import pytest

from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.protocols import (
    every_protocol,
    galleries,
    metrics_table,
    protocol_metrics,
    protocol_split,
    tie_warning,
)
from information_retrieval.ranking.rank_counter import count_ranks
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split


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
    assert "3.33 [0.00, 100.00]" in table
    assert "protocol full" in table


def four_images_of_five_captions() -> tuple[np.ndarray, np.ndarray]:
    """Hand-made 4 x 20: in each half all is right, across the halves one image is a magnet.

    Captions 5 i to 5 i + 4 belong to image i and score 2 there; those of images 2 and 3 score 3
    with image 0; all else is 0, 1 between images 0 and 1.
    """
    index = np.repeat(np.arange(4), 5)
    scores = np.zeros((4, 20), np.float32)
    scores[:2, :10] = 1
    scores[index, np.arange(20)] = 2
    scores[0, 10:] = 3
    return scores, index


def test_4_x_20_by_hand_under_every_protocol():
    scores, index = four_images_of_five_captions()
    results = {p: protocol_metrics(scores, index, p, 2) for p in ("1k", "5fold", "5k", "full")}
    # The first 2 x 10 and the last 2 x 10 know nothing of the magnet.
    for protocol in ("1k", "5fold"):
        assert results[protocol]["metrics"]["rsum"] == 600
        assert results[protocol]["metrics"]["t2i_mean_rank"] == 0
    assert [fold["rsum"] for fold in results["5fold"]["folds"]] == [600, 600]
    # In 4 x 20 image 0 has 10 wrong captions above its own, which come 11th: not in the top 10.
    whole = results["5k"]["metrics"]
    assert whole["i2t_r1"] == whole["i2t_r5"] == whole["i2t_r10"] == 75
    assert whole["i2t_mean_rank"] == 2.5
    assert whole["i2t_median_rank"] == 0
    # The 10 captions of images 2 and 3 come second, after the magnet.
    assert whole["t2i_r1"] == 50
    assert whole["t2i_r5"] == whole["t2i_r10"] == 100
    assert whole["t2i_mean_rank"] == whole["t2i_median_rank"] == 0.5
    assert whole["rsum"] == 475
    assert results["full"]["metrics"] == whole


def test_4_x_20_with_ties_by_hand():
    scores, index = four_images_of_five_captions()
    scores[0, 10:] = 2
    result = protocol_metrics(scores, index, "full")
    # 5 captions of image 0 are tied with 10 wrong ones: first in a third of the orders, rank 10/6
    # in the mean, from 0 to 10. Others: not tied, rank 0.
    assert result["metrics"]["i2t_r1"] == pytest.approx(100 * (3 + 1 / 3) / 4)
    assert result["metrics"]["i2t_r10"] == pytest.approx(100 * (4 - 1 / comb(15, 5)) / 4)
    assert result["metrics"]["i2t_mean_rank"] == pytest.approx(10 / 6 / 4)
    assert result["bounds"]["optimistic"]["i2t_r1"] == 100
    assert result["bounds"]["pessimistic"]["i2t_r10"] == 75
    assert result["metrics"]["i2t_tied"] == 25
    # The captions of images 2 and 3 are tied with image 0: first in half of the orders.
    assert result["metrics"]["t2i_r1"] == 75
    assert result["metrics"]["t2i_mean_rank"] == 0.25
    assert result["bounds"]["pessimistic"]["t2i_r1"] == 50
    assert result["metrics"]["t2i_tied"] == 50


def test_folds_that_are_not_full_are_an_error():
    scores, index = four_images_of_five_captions()
    with pytest.raises(ValueError, match="4 images do not fill folds of 3"):
        protocol_metrics(scores, index, "5fold", 3)


def test_captions_beyond_the_fifth_are_left_out_of_all_but_full():
    generator = np.random.default_rng(1)
    index = np.repeat(np.arange(150), generator.integers(1, 8, 150))
    scores = generator.normal(size=(150, len(index))).astype(np.float32).round(1)
    first = np.concatenate([np.flatnonzero(index == image)[:5] for image in range(30)])
    by_hand = retrieval_metrics(count_ranks(scores[:30, first], index[first]))
    assert protocol_metrics(scores, index, "1k", 30)["metrics"] == by_hand
    first = np.concatenate([np.flatnonzero(index == image)[:5] for image in range(150)])
    by_hand = retrieval_metrics(count_ranks(scores[:, first], index[first]))
    assert protocol_metrics(scores, index, "5k", 30)["metrics"] == by_hand
    assert protocol_metrics(scores, index, "full", 30)["metrics"] == retrieval_metrics(
        count_ranks(scores, index)
    )


@pytest.mark.parametrize(
    ("protocol", "n_images", "expected"),
    [
        ("full", 999, ["full"]),
        ("1k", 1000, ["1k"]),
        ("full", 1000, ["full", "1k"]),
        ("5k", 5000, ["5k", "1k", "5fold"]),
    ],
)
def test_a_matrix_answers_every_protocol_that_it_has_images_for(protocol, n_images, expected):
    # One row repeated without memory; its captions belong to the first images and the rest.
    scores = np.broadcast_to(np.float32(0), (n_images, n_images))
    results = every_protocol(scores, np.arange(n_images), protocol)
    assert list(results) == expected
    for name, result in results.items():
        assert result["protocol"] == name
        n_gallery = 1000 if name in ("1k", "5fold") else n_images
        assert result["metrics"]["t2i_mean_rank"] == (n_gallery - 1) / 2


@pytest.mark.parametrize("protocol", ["5k", "full"])
def test_the_order_of_the_images_does_not_change_the_metrics(protocol):
    generator = np.random.default_rng(2)
    index = np.repeat(np.arange(40), 5)
    scores = generator.normal(size=(40, 200)).astype(np.float32).round(1)
    order = generator.permutation(40)
    columns = (5 * order[:, None] + np.arange(5)).ravel()
    shuffled = protocol_metrics(scores[order][:, columns], index, protocol, 8)
    original = protocol_metrics(scores, index, protocol, 8)
    for found, expected in (
        (shuffled["metrics"], original["metrics"]),
        *((shuffled["bounds"][rule], original["bounds"][rule]) for rule in original["bounds"]),
    ):
        assert found == pytest.approx(expected)


def test_the_table_shows_ranks_with_their_bounds_and_the_folds():
    scores, index = four_images_of_five_captions()
    scores[0, 10:] = 2
    table = metrics_table(protocol_metrics(scores, index, "full"))
    assert "mean rank" in table
    assert "0.42 [0.00, 2.50]" in table
    assert "rsum 556.23 [475.00, 600.00]" in table
    assert "rsum of each fold: 600.00, 600.00" in metrics_table(
        protocol_metrics(scores, index, "5fold", 2)
    )


def test_large_ranks_with_bounds_do_not_run_into_the_column_before():
    scores = np.random.default_rng(0).integers(0, 10**5, (2500, 2500)).astype(np.float32)
    lines = metrics_table(protocol_metrics(scores, np.arange(2500), "full")).splitlines()
    for line in lines[:3]:
        assert len(re.split(r"  +", line.strip())) == (5 if line.startswith(" ") else 6), line


def test_bounds_that_look_like_the_value_are_left_out():
    result = protocol_metrics(np.eye(3, dtype=np.float32), np.arange(3), "full")
    result["bounds"]["pessimistic"]["t2i_mean_rank"] = 0.001
    assert "[" not in metrics_table(result)


def half_precision_scores() -> np.ndarray:
    """300 x 300 near 28 in float16, the truth at 30: many are tied there."""
    generator = np.random.default_rng(3)
    scores = (28 + generator.normal(size=(300, 300))).astype(np.float16).astype(np.float32)
    np.fill_diagonal(scores, 30)
    return scores


def test_common_ties_are_warned_of_with_the_step_of_scores_in_half_precision():
    warning = tie_warning(half_precision_scores(), np.arange(300), "full", "float16")
    assert "the scores are float16, whose values near 30" in warning
    assert "are 1/64 apart" in warning
    assert "use float32" in warning
    assert "\n" not in warning


def test_scores_finer_than_the_models_type_are_not_said_to_have_its_steps():
    scores = half_precision_scores()
    scores[7, 8] = np.nextafter(scores[7, 8], np.float32(0))
    for dtype in ("float16", "bfloat16"):
        warning = tie_warning(scores, np.arange(300), "full", dtype)
        assert f"the model computed in {dtype}; mind the tie bounds, or use float32" in warning
        assert "apart" not in warning
    warning = tie_warning(scores, np.arange(300), "full", "float32")
    assert "the scores are float32" in warning
    assert "use float32" not in warning


def test_steps_are_named_only_of_the_type_that_the_scores_have():
    scores = half_precision_scores()
    assert "apart" not in tie_warning(scores, np.arange(300), "full", "bfloat16")
    coarse = np.round(8 * scores) / 8  # near 30, bfloat16 has steps of 1/8
    warning = tie_warning(coarse, np.arange(300), "full", "bfloat16")
    assert "the scores are bfloat16, whose values near 30.8 are 1/8 apart" in warning


def test_rare_and_far_ties_are_not_warned_of():
    scores = np.eye(300, dtype=np.float32)
    scores[:3, 3] = 1  # image queries 0 to 2 are tied, caption query 3 as well: 1 % at most
    assert tie_warning(scores, np.arange(300), "full", "float16") is None
    scores[3, 4] = 1
    assert "1.3 % of the image queries" in tie_warning(scores, np.arange(300), "full", "bfloat16")
    # All are tied, but below ten others: no tie reaches the top 10.
    scores = np.zeros((30, 30), np.float32)
    scores[np.arange(30)[:, None], (np.arange(30)[:, None] + np.arange(1, 12)) % 30] = 1
    assert tie_warning(scores, np.arange(30), "full", "float16") is None


def test_ties_are_counted_in_the_galleries_of_the_protocol():
    scores = np.eye(200, dtype=np.float32)
    scores[:40, 80:120] = 1  # images of the first fold tied with captions of the third
    index = np.arange(200)
    warning = tie_warning(scores, index, "5k", "float32", 40)
    assert "protocol 5k" in warning
    assert "20.0 % of the image queries" in warning
    assert tie_warning(scores, index, "5fold", "float32", 40) is None
    scores[40:44, 50] = 1  # of the second fold: image queries 40 to 43, of 40 the tenth
    warning = tie_warning(scores, index, "5fold", "float32", 40)
    assert "protocol 5fold" in warning
    assert "2.0 % of the image queries and 0.5 % of the caption queries" in warning
    assert tie_warning(scores, index, "1k", "float32", 8) is None


def test_captions_that_two_images_have_are_told_as_a_cause_of_ties():
    scores = np.eye(20, dtype=np.float32)
    scores[:10, 10:] = np.eye(10)  # captions 10 to 19 are those of images 0 to 9
    warning = tie_warning(scores, np.arange(20), "full", "float32", n_repeated=20)
    assert "; 20 captions are another image's too, word for word; the scores are" in warning
    assert "word for word" not in tie_warning(scores, np.arange(20), "full", "float32")
