"""Detector or matcher: a caption's objects among the regions of its image."""

from pathlib import Path

import pytest

from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.region_presence import count_verdicts, region_presence
from preprocess.base.errors import InputError
from tests.error_analysis.reasons.images.image_queries import caption_query

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


def test_an_image_without_regions_misses_all():
    (found,) = region_presence([caption_query("A cat", 2, [1])], DETECTED)
    assert found.verdict == "region absent"


def test_no_miss_is_counted_as_none():
    assert set(count_verdicts([]).values()) == {0}


def test_features_of_other_images_are_one_clear_line():
    with pytest.raises(InputError, match="has no image 3"):
        region_presence([caption_query("A cat", 3, [1])], DETECTED)
