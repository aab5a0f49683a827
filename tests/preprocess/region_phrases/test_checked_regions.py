"""Odd boxes, texts and sizes: what is cut, what is left out, and that it is counted."""

from pathlib import Path

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases.checked_regions import (
    FoundImage,
    FoundRegion,
    checked_images,
    cut_box,
)
from preprocess.region_phrases.tally import Tally

FILE = Path("r.json")
OUTSIDE = "boxes outside their image or without area left out"


def image_of(*regions: FoundRegion, size=(100, 200), captions=()) -> FoundImage:
    return FoundImage(FILE, 5, "a.jpg", *size, regions, captions)


def region(box=(1, 2, 3, 4), phrases=("dog",), attributes=()) -> FoundRegion:
    return FoundRegion(FILE, box, phrases, attributes)


@pytest.mark.parametrize(
    ("box", "cut", "is_inside"),
    [
        ((0, 0, 200, 100), (0, 0, 200, 100), True),
        ([10.5, 20.25, 30, 40], (10.5, 20.25, 30, 40), True),
        ((0, 0, 200.01, 100), (0, 0, 200, 100), True),  # COCO's rounding
        ((150, 50, 100, 100), (150, 50, 50, 50), False),
        ((-10, -20, 30, 40), (0, 0, 20, 20), False),
        ((-5, -5, 300, 300), (0, 0, 200, 100), False),
        ((200, 0, 10, 10), None, False),
        ((0, -20, 10, 10), None, False),
        ((5, 5, 0, 10), None, False),
        ((5, 5, 10, -3), None, False),
        ((5, 5, 0.0001, 10), None, False),
        ((5, 5, float("nan"), 10), None, False),
        ((5, 5, float("inf"), 10), None, False),
        ((5, 5, 10), None, False),
        ((5, 5, 10, True), None, False),
        ("5555", None, False),
        (None, None, False),
    ],
)
def test_a_box_is_cut_to_its_image(box, cut, is_inside):
    assert cut_box(box, 100, 200) == (cut, is_inside)


def test_without_a_size_a_box_is_cut_at_the_corner_that_is_known():
    assert cut_box((-10, 5000, 30, 40), 0, 0) == ((0, 5000, 20, 40), False)
    assert cut_box((10, 5000, 30, 40), 0, 0) == ((10, 5000, 30, 40), True)


def test_random_cuts_are_what_pixels_say():
    """Against the slow truth: the pixels of whole-numbered boxes."""
    generator = np.random.default_rng(0)
    for _ in range(300):
        box = generator.integers(-12, 24, 4).tolist()
        height, width = generator.integers(1, 16, 2).tolist()
        x, y, w, h = box
        inside = [
            (i, j) for i in range(x, x + w) for j in range(y, y + h)
            if 0 <= i < width and 0 <= j < height
        ]  # fmt: skip
        cut, is_inside = cut_box(box, height, width)
        if not inside:
            assert (cut, is_inside) == (None, False)
            continue
        columns, rows = zip(*inside, strict=True)
        left, top = min(columns), min(rows)
        assert cut == (left, top, max(columns) - left + 1, max(rows) - top + 1)
        assert is_inside == (len(inside) == w * h)


def test_what_is_odd_is_left_out_and_counted():
    tally = Tally()
    found = image_of(
        region(),
        region(box=(190, 0, 20, 20), phrases=(" a cat\n", "a cat")),
        region(box=(300, 0, 20, 20)),
        region(phrases=("...", None, "")),
        region(phrases=("half \ud83d a smile",), attributes=("red", " ")),
        captions=("a caption", "-"),
    )
    (image,) = checked_images([found], "cut", tally)
    first, second, third = image.regions
    assert first.box == (1, 2, 3, 4)
    assert (second.box, second.phrases) == ((190, 0, 10, 20), ("a cat",))
    assert (third.phrases, third.attributes) == (("half  a smile",), ("red",))
    assert image.captions == ("a caption",)
    assert tally.counts == {
        "boxes cut to their image": 1,
        OUTSIDE: 1,
        "texts without a letter or digit left out": 5,
        "regions without a phrase left out": 1,
    }
    assert f"1 {OUTSIDE}: r.json, image 5, box (300, 0, 20, 20)" in tally.lines()


def test_an_image_without_a_region_is_left_out():
    tally = Tally()
    images = checked_images([image_of(region(box=(0, 0, 0, 0))), image_of()], "cut", tally)
    assert list(images) == []
    assert tally.counts == {OUTSIDE: 1, "images without a region left out": 2}


@pytest.mark.parametrize("size", [(None, 200), (0, 200), (100, -1), ("100", 200), (1.5, 2.5)])
def test_an_image_of_unknown_size_stays(size):
    tally = Tally()
    (image,) = checked_images([image_of(region(box=(900, 0, 5, 5)), size=size)], "cut", tally)
    assert (image.height, image.width) == (0, 0)
    assert image.regions[0].box == (900, 0, 5, 5)
    assert list(tally.counts.values()) == [1]


def test_bad_boxes_may_be_an_error():
    images = [image_of(region(), region(box=[150, 0, 60, 20]))]
    line = (
        r"^r\.json, image 5: expected boxes inside the image of 200 x 100 pixels, found "
        r"\[150, 0, 60, 20\]"
    )
    with pytest.raises(InputError, match=line):
        list(checked_images(images, "error", Tally()))
