import pytest

from error_analysis.predicting.feature_sources import Sources, features_of
from error_analysis.predicting.feature_words import FEATURES, explained_in
from error_analysis.reasons.captions.caption_reasons import REASON_NAMES
from preprocess.storage.images_file import ImagesFile
from tests.error_analysis.explained import objects_of
from tests.error_analysis.scored import make_model, make_split, save_images, scores_with_ranks


@pytest.mark.parametrize("direction", ["i2t", "t2i"])
def test_every_feature_is_told_in_words(tmp_path, direction):
    split = make_split([2] * 12, "a cat near a dog {}")
    scores = scores_with_ranks([0] * 12).repeat(2, axis=1)
    sources = Sources(
        training_captions=split.captions,
        images=ImagesFile(save_images(tmp_path / "images.h5", split)),
        objects=objects_of("f", dict.fromkeys(split.image_ids.tolist(), ("cat", "dog"))),
        rules=True,
        oracle=make_model(scores, split),
    )
    names = set(features_of(split, sources)[direction].names)
    assert names - set(REASON_NAMES) <= FEATURES.keys()
    assert len(names) > 8


def test_a_group_by_a_feature_is_told_by_the_whole_name():
    texts = ["words 12 to 49", "mean log frequency -4.4 to -2", "detected objects 3", "typo"]
    assert list(explained_in(texts)) == ["mean log frequency", "objects", "words"]
