"""What captioners' metrics and models tell of queries, as features."""

import json

import numpy as np
import pytest

from captioning.metrics.consensus import consensus
from error_analysis.predicting.agreement_features import (
    CIDER,
    GAIN,
    MEAN_CIDER,
    MEAN_GAIN,
    consensus_features,
    gain_features,
    read_gains,
)
from error_analysis.predicting.feature_sources import Sources, features_of
from preprocess.base.errors import InputError
from tests.error_analysis.scored import gallery_of

GALLERY = gallery_of(("a red dog", "a red dog runs", "zebras"), ("a cat",), ("a cow", "a cow eats"))


@pytest.fixture
def gains(tmp_path):
    path = tmp_path / "surprise.json"

    def write(captions, split=GALLERY):
        metadata = {"split_file": "datasets/mine/test.json", "split_sha256": split.sha256}
        path.write_text(json.dumps({"captions": captions, "metadata": metadata}))
        return path

    return write


def test_captions_have_what_their_siblings_say_of_them_and_images_the_mean():
    found = consensus_features(GALLERY)
    expected = np.concatenate(consensus([[c.caption for c in i.captions] for i in GALLERY.images]))
    values = found["t2i"][CIDER]
    assert values[[0, 1, 2, 4, 5]].tolist() == expected[[0, 1, 2, 4, 5]].tolist()
    assert values[2] == 0
    assert values[3] == pytest.approx(np.delete(expected, 3).mean())  # of which nothing is known
    means = found["i2t"][MEAN_CIDER]
    assert means == pytest.approx([values[:3].mean(), values[3], values[4:].mean()])


def test_a_gallery_of_single_captions_knows_nothing():
    assert consensus_features(gallery_of(("a",), ("b",)))["t2i"][CIDER].tolist() == [0, 0]


def test_gains_are_features_of_the_captions_and_their_images(gains):
    ids = GALLERY.caption_ids.tolist()
    told = [{"caption_id": i, "gain": n / 2} for n, i in enumerate(ids)]
    known = read_gains(gains([*told[::-1], {"caption_id": 999, "gain": 1}]), GALLERY)
    found = gain_features(GALLERY, known)
    assert found["t2i"][GAIN].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert found["i2t"][MEAN_GAIN].tolist() == [0.5, 1.5, 2.25]
    joined = features_of(GALLERY, Sources(rules=False, gains=known))
    assert {CIDER, GAIN} <= set(joined["t2i"].names)
    assert {MEAN_CIDER, MEAN_GAIN} <= set(joined["i2t"].names)


@pytest.mark.parametrize(
    ("captions", "expected"),
    [
        ([{"caption_id": 0, "gain": 1}], "expected all 6 captions .* none of 5, such as 1;"),
        ([{"caption_id": 0}], "not a file of captioning.surprise"),
        ([{"caption_id": 0, "gain": float("nan")}], "the gain of caption 0 is no number"),
        ({}, "expected all 6 captions"),
    ],
)
def test_a_file_of_something_else_is_one_clear_line(gains, captions, expected):
    path = gains(captions)
    with pytest.raises(InputError, match=f"{path}: .*{expected}"):
        gain_features(GALLERY, read_gains(path, GALLERY))


def test_gains_of_another_split_by_the_same_ids_are_refused(gains):
    other = gallery_of(("a blue dog", "a dog", "zebra"), ("cats",), ("cows", "a cow eats"))
    told = [{"caption_id": i, "gain": 1} for i in GALLERY.caption_ids.tolist()]
    path = gains(told, other)
    found = f"{path}: expected gains of split 'test' .*those of datasets/mine/test.json, whose"
    with pytest.raises(InputError, match=found):
        read_gains(path, GALLERY)
