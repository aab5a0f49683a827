"""Features of queries, against values counted by hand or slowly."""

import io

import numpy as np
import pytest
from PIL import Image

from error_analysis.predicting.query_features import (
    QueryFeatures,
    caption_features,
    caption_set_features,
    object_features,
    quality_features,
    rarity_features,
    reason_flags,
)
from error_analysis.reasons.caption_scores import caption_vectors
from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.reason import Reason
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import ImagesFile, write_images_file

CAPTIONS = (
    ("A red dog sleeps.", "a red dog sleeping near a house"),
    ("a red dog sleeps", "two boats"),
    ("two boats on a lake", "!?", "🐕"),
    ("a zebra",),
)


@pytest.fixture
def gallery() -> Split:
    images, caption_id = [], 0
    for image_id, captions in enumerate(CAPTIONS, start=100):
        own = tuple(Caption(caption_id + i, text) for i, text in enumerate(captions))
        caption_id += len(own)
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", own))
    return Split("tiny", "test", "made by a test", tuple(images))


def test_lengths_and_positions_are_counted(gallery):
    features = caption_features(gallery)
    assert features["words"].tolist() == [4, 7, 4, 2, 5, 0, 0, 2]
    assert features["characters"][:4].tolist() == [17, 31, 16, 9]
    assert features["content words"][[0, 3, 5, 7]].tolist() == [3, 2, 0, 1]
    assert features["position"].tolist() == [0, 1, 0, 1, 0, 1, 2, 0]


def test_the_nearest_caption_is_of_another_image_as_counted_one_by_one(gallery):
    features = caption_features(gallery)
    vectors = caption_vectors(gallery.captions).toarray()
    index = gallery.caption_image_index
    for i in range(len(index)):
        cosines = [vectors[i] @ vectors[j] for j in range(len(index)) if index[j] != index[i]]
        assert features["nearest caption"][i] == pytest.approx(max(cosines), abs=1e-6)
        n_same = sum(cosine >= 0.8 for cosine in cosines)
        assert features["captions nearly the same"][i] == pytest.approx(np.log2(1 + n_same))
    # The same but for a capital and the full stop; and captions without words are like none.
    assert features["nearest caption"][0] == pytest.approx(1)
    assert features["nearest caption"][5] == 0


def test_a_rare_word_lowers_the_frequencies(gallery):
    features = rarity_features(gallery, ["a dog", "a red dog", "a lake"])
    # 7 words of 4 kinds, and one share for the unseen: of 12.
    expected = [np.log10(n / 12) for n in (4, 2, 3, 1)]  # a red dog sleeps
    assert features["mean log frequency"][0] == pytest.approx(np.mean(expected))
    assert features["least log frequency"][0] == pytest.approx(np.log10(1 / 12))
    assert features["mean log frequency"][5] == pytest.approx(np.log10(1 / 12))
    nothing = rarity_features(gallery, [])
    assert np.isfinite(nothing["mean log frequency"]).all()


def test_a_flag_is_set_where_the_rule_gives_a_reason():
    reasons = [(), (Reason("typo", "x"), Reason("vague", "y")), (Reason("vague", "z"),)]
    flags = reason_flags(reasons, ("typo", "vague", "other"))
    assert {name: values.tolist() for name, values in flags.items()} == {
        "typo": [0, 1, 0],
        "vague": [0, 1, 1],
        "other": [0, 0, 0],
    }


def test_the_agreement_of_captions_is_the_mean_over_their_pairs(gallery):
    features = caption_set_features(gallery)
    assert features["captions"].tolist() == [2, 2, 3, 1]
    assert features["mean words"].tolist() == [5.5, 3, 5 / 3, 2]
    vectors = caption_vectors(gallery.captions).toarray()
    expected = [
        vectors[0] @ vectors[1],
        vectors[2] @ vectors[3],
        0,  # of three captions, two have no words
        1,
    ]
    np.testing.assert_allclose(features["agreement"], expected, atol=1e-6)


def test_captions_without_any_word_have_features_too():
    images = (CaptionedImage(1, "x.jpg", (Caption(1, "!!!"), Caption(2, "🐕"))),)
    gallery = Split("tiny", "test", "made by a test", images)
    for features in (caption_features(gallery), rarity_features(gallery, ())):
        assert all(np.isfinite(values).all() for values in features.values())
    assert caption_set_features(gallery)["agreement"].tolist() == [0]


def test_objects_are_counted_by_image(gallery):
    dog, cat = ImageObject("dog", 0.5), ImageObject("cat", 0.25)
    by_image = {100: (dog, cat, cat), 101: (), 102: (cat,), 103: (dog,)}
    objects = Objects(None, ("dog", "cat"), {}, by_image)
    features = object_features(gallery, objects, "detected ")
    assert features["detected objects"].tolist() == [3, 0, 1, 1]
    assert features["detected categories"].tolist() == [2, 0, 1, 1]
    assert features["detected largest object"].tolist() == [0.5, 0, 0.25, 0.5]
    del by_image[102]
    with pytest.raises(InputError, match="has no image 102"):
        object_features(gallery, objects)


def test_the_quality_of_each_image_is_measured(gallery, tmp_path):
    encoded = []
    for i in range(4):
        file = io.BytesIO()
        Image.new("RGB", (40, 30 + i), (60 * i, 60 * i, 60 * i)).save(file, "PNG")
        encoded.append(file.getvalue())
    write_images_file(tmp_path / "images.h5", gallery.image_ids, encoded)
    features = quality_features(gallery, ImagesFile(tmp_path / "images.h5"))
    assert features["shorter side"].tolist() == [30, 31, 32, 33]
    np.testing.assert_allclose(features["bright"], [0, 60, 120, 180])


def test_features_join_and_folds_keep_their_images_apart():
    joined = QueryFeatures.join(
        np.array([0, 0, 1]), {"a": np.array([1.0, 2, 3])}, {"b": np.array([4.0, 5, 6])}
    )
    assert joined.names == ("a", "b")
    assert joined.values.tolist() == [[1, 4], [2, 5], [3, 6]]
    both = QueryFeatures.concatenate([joined, joined])
    assert both.image.tolist() == [0, 0, 1, 2, 2, 3]
    assert both.values.shape == (6, 2)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"a": np.ones(3)}, "comes twice"),
        ({"b": np.ones(2)}, "expected 3 finite"),
        ({"b": np.array([1, np.nan, 2])}, "expected 3 finite"),
    ],
)
def test_features_that_do_not_fit_are_refused(source, message):
    with pytest.raises(ValueError, match=message):
        QueryFeatures.join(np.array([0, 0, 1]), {"a": np.ones(3)}, source)
