"""Detector or matcher: a caption's objects among the regions of its image."""

from pathlib import Path

import pytest

from error_analysis.reasons.objects import ImageObject, Objects, read_detected
from error_analysis.reasons.region_presence import (
    count_verdicts,
    picture_of_regions,
    presence_table,
    region_presence,
)
from preprocess.errors import InputError
from preprocess.features_file import FeaturesFile
from preprocess.images_file import ImagesFile
from preprocess.split_file import read_split
from tests.conftest import write_images_of
from tests.error_analysis.reasons.image_queries import caption_query

DETECTED = Objects(
    Path("f.h5"), ("person", "cat", "dog"), {}, {1: (ImageObject("cat", 0.4),), 2: ()}
)


def test_misses_are_split_by_what_the_detector_saw():
    captions = ["A cat.", "A man with a kitten", "A dog", "Some animals", "Nothing here, 🙂"]
    found = region_presence([caption_query(c, 1, [2]) for c in captions], DETECTED)
    assert [p.verdict for p in found] == [
        "matched badly",
        "region absent",
        "region absent",
        "nothing to look for",
        "nothing to look for",
    ]
    assert (found[1].found, found[1].absent) == (("cat",), ("person",))
    assert found[1].evidence == "no region of person; seen: cat"
    assert found[4].evidence == "the caption names nothing that the detector knows"
    assert count_verdicts(found) == {
        "region absent": 2,
        "matched badly": 1,
        "nothing to look for": 2,
    }
    assert "| region absent | 2 | 40 % |" in presence_table(found)


def test_an_image_without_regions_misses_all():
    (found,) = region_presence([caption_query("A cat", 2, [1])], DETECTED)
    assert found.verdict == "region absent"


def test_no_miss_is_an_honest_table():
    assert "| region absent | 0 | - |" in presence_table([])


def test_features_of_other_images_are_one_clear_line():
    with pytest.raises(InputError, match="has no image 3"):
        region_presence([caption_query("A cat", 3, [1])], DETECTED)


def test_the_regions_are_drawn_on_the_image(data_dir):
    write_images_of(data_dir, "test")
    features = FeaturesFile(data_dir / "test_features.h5")
    images = ImagesFile(data_dir / "test_images.h5")
    image_id = int(read_split(data_dir / "test.json").image_ids[0])
    labels = tuple(f"thing {i}" for i in range(10))
    bare = picture_of_regions(features, images, image_id, labels, min_score=2)
    drawn = picture_of_regions(features, images, image_id, labels, min_score=0)
    assert drawn.size == bare.size == (1000, 750)
    assert drawn.tobytes() != bare.tobytes()
    assert read_detected(features, [image_id], labels, 0).of(image_id)
    with pytest.raises(InputError, match=r"objects_vocab\.txt"):
        picture_of_regions(features, images, image_id)
