"""Every rule for image queries, in order."""

from pathlib import Path

import pytest

from error_analysis.reasons.images.base_rates import BaseRates
from error_analysis.reasons.images.image_reasons import image_reasons
from error_analysis.reasons.images.objects import ImageObject, Objects
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from tests.error_analysis.reasons.images.image_queries import caption_query, image_query

OWN = ["A red cow on grass", "A red cow", "a red cow stands"]
GALLERY = Split(
    "tiny", "test", "test", (CaptionedImage(1, "1.jpg", tuple(map(Caption, range(3), OWN))),)
)
OBJECTS = Objects(Path("i.json"), ("cow", "dog"), {}, {1: (ImageObject("cow", 0.4),)})
QUERIES = [
    image_query(OWN, ["A dog"] * 10),
    image_query(OWN, ["A blue cow"] * 10),
    image_query(OWN, ["A cow"] * 10),
    image_query(OWN, ["A tall tower"] * 10),
]
NONE = BaseRates({}, {})  # nothing is usual
NAMES = ["salient object confusion", "wrong details", "missing details"]


def names(found):
    return [[reason.name for reason in reasons] for reasons in found]


def test_each_query_has_its_reasons_in_order():
    found = names(image_reasons(QUERIES, NONE, OBJECTS))
    assert found == [[NAMES[0]], [NAMES[1], NAMES[2]], [NAMES[2]], []]


def test_a_rule_without_its_source_is_silent():
    assert names(image_reasons(QUERIES, NONE)) == [[], NAMES[1:], [NAMES[2]], []]
    assert names(image_reasons(QUERIES, NONE, OBJECTS))[0] == [NAMES[0]]


def test_no_hard_query_has_no_reasons():
    assert image_reasons([], NONE, OBJECTS) == []


def test_objects_of_other_images_are_one_clear_line():
    with pytest.raises(InputError, match=r"i\.json: has no image 5"):
        image_reasons([image_query(OWN, ["A dog"], image_id=5)], NONE, OBJECTS)


def test_caption_queries_are_refused():
    with pytest.raises(ValueError, match="image queries"):
        image_reasons([caption_query("A cow", 1, [1])], NONE)
