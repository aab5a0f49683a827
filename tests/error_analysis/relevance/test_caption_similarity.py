import json
from pathlib import Path

import numpy as np
import pytest

from error_analysis.relevance import caption_similarity
from error_analysis.relevance.caption_similarity import (
    LEAST_SHARE,
    CaptionSimilarity,
    content_words,
    terms,
)
from preprocess.split_file import Caption, CaptionedImage, Split
from tests.error_analysis.demo_relevance import demo_records, demo_split, true_pairs


def split_of(*captions: list[str]) -> Split:
    """One image for each list of captions."""
    number, images = 0, []
    for image_id, texts in enumerate(captions):
        told = tuple(Caption(number + i, text) for i, text in enumerate(texts))
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", told))
        number += len(texts)
    return Split("tiny", "test", "made by a test", tuple(images))


def test_content_words_have_no_case_no_plural_and_none_of_the_words_that_all_captions_have():
    assert content_words("A photo of TWO Dogs, on the grass!") == ["two", "dog", "grass"]
    assert content_words("\N{DOG FACE} ... ?!") == []


def test_terms_are_words_and_pairs_of_neighbours():
    assert terms("the red car and a boat") == ["red", "car", "boat", "red car", "car boat"]


def test_a_caption_whose_terms_all_recur_has_share_1_and_one_with_none_has_0():
    similarity = CaptionSimilarity.of(
        split_of(["a red car"], ["the red car is parked", "a street"], ["a zebra eats"])
    )
    shares = similarity.shares(np.array([0, 0]), np.array([1, 2]))
    assert shares == pytest.approx([1, 0])


def test_an_adjective_at_another_noun_is_not_the_same():
    similarity = CaptionSimilarity.of(
        split_of(["a red car and a blue boat"], ["a blue car and a red boat"], ["a tree"])
    )
    [share] = similarity.shares(np.array([0]), np.array([1]))
    assert share < 0.75


def test_numbers_tell_captions_apart():
    similarity = CaptionSimilarity.of(split_of(["two zebras"], ["four zebras"], ["two zebras"]))
    unlike, like = similarity.shares(np.array([0, 0]), np.array([1, 2]))
    assert unlike < LEAST_SHARE
    assert like == pytest.approx(1)


def test_shares_are_those_of_a_slow_count_over_any_number_of_blocks(monkeypatch):
    records = demo_records(12)
    split = demo_split(records)
    similarity = CaptionSimilarity.of(split)
    captions, images = (grid.ravel() for grid in np.indices((60, 12)))
    weights = similarity.weights.toarray()
    expected = []
    for caption, image in zip(captions, images, strict=True):
        said = {t for c in split.images[image].captions for t in terms(c.caption)}
        has = np.array([term in said for term in similarity.terms])
        expected.append(weights[caption][has].sum())
    assert similarity.shares(captions, images) == pytest.approx(np.array(expected), abs=1e-5)
    monkeypatch.setattr(caption_similarity, "BLOCK_PAIRS", 7)
    assert similarity.shares(captions, images) == pytest.approx(np.array(expected), abs=1e-5)


def test_a_caption_is_wholly_said_of_its_own_image():
    split = demo_split(demo_records(20))
    similarity = CaptionSimilarity.of(split)
    own = similarity.shares(np.arange(100), split.caption_image_index)
    assert own == pytest.approx(np.ones(100), abs=1e-5)


def test_the_nearest_caption_and_the_words_left_over_are_told():
    similarity = CaptionSimilarity.of(
        split_of(["a red car on a hill"], ["a tree", "one red car", "a car"])
    )
    assert similarity.nearest_caption(0, 1) == 2
    assert similarity.unsaid(0, 1) == ["hill"]


@pytest.mark.parametrize("text", ["...", "\N{DOG FACE}", "the of a"])
def test_captions_without_words_are_like_nothing(text: str):
    similarity = CaptionSimilarity.of(split_of([text], [text]))
    assert similarity.shares(np.array([0, 1]), np.array([1, 0])).tolist() == [0, 0]
    beside_others = CaptionSimilarity.of(split_of([text], ["a cat"]))
    assert beside_others.shares(np.array([0, 1]), np.array([1, 0])).tolist() == [0, 0]


def test_a_caption_of_1000_words_is_compared():
    similarity = CaptionSimilarity.of(split_of(["a red car " * 333 + "x"], ["a red car"]))
    assert 0 < similarity.shares(np.array([0]), np.array([1]))[0] < 1


def test_on_the_demo_a_share_finds_true_pairs_far_beyond_chance():
    """The README has these numbers: of all wrong pairs 1 in 600 is true; of those found 1 in 4."""
    records = demo_records(240)
    true, told = true_pairs(records)
    split = demo_split(records)
    own = split.caption_image_index == np.arange(240)[:, None]  # (n_images, n_captions)
    assert true[told][own.T[told]].all()
    captions, images = np.nonzero(told[:, None] & ~own.T)
    truth = true[captions, images]
    found = CaptionSimilarity.of(split).shares(captions, images) >= LEAST_SHARE
    precision, recall = truth[found].mean(), found[truth].mean()
    assert truth.mean() < 0.002
    assert precision > 0.2
    assert recall > 0.25
    strict = CaptionSimilarity.of(split).shares(captions, images) >= 0.8
    assert truth[strict].mean() > 0.55


def test_on_real_captions_soccer_is_not_baseball_and_like_desks_come_near(
    shared_data: Path,
):
    hard = json.loads((shared_data / "thesis/clip_1k_test.json").read_text())["i2t"]["hard"]
    hard = [query for query in hard if isinstance(query["retrieved"], list)]
    truths = [query["ground_truth"] for query in hard]
    retrieved = [query["retrieved"] for query in hard]
    split = split_of(*truths, *retrieved)
    similarity = CaptionSimilarity.of(split)
    share = {
        caption: similarity.shares(np.array([column]), np.array([image]))[0]
        for image, captions in enumerate(retrieved)
        for column, caption in enumerate(split.captions)
        if caption in captions
    }
    assert share["A desk with a computer and other items."] > 0.45
    assert share["Two young men playing a game of soccer."] < LEAST_SHARE
    assert max(share.values()) < LEAST_SHARE
