"""Boxes in crops: the recorded examples of the published code, and cases by hand."""

import json
from math import trunc

import numpy as np
import pytest

from information_retrieval.models.xvlm.region_tokens import region_mask
from information_retrieval.training.examples.augmentation import Crop
from information_retrieval.training.regions.geometry import (
    box_in_crop,
    box_in_square,
    crop_ranges,
    overlap,
    scale_of_boxes,
    scaled,
    shares_of_square,
)


@pytest.fixture(scope="module")
def recorded(shared_data) -> dict:
    return json.loads((shared_data / "xvlm_reference" / "data_vectors.json").read_text())


def whole_pixels(image: dict) -> list[tuple[int, ...]]:
    """The boxes as the published code reads them."""
    return [tuple(map(trunc, element["bb"])) for element in image["elems"]]


def test_crops_are_drawn_from_the_recorded_ranges(recorded):
    for sample in recorded["region_samples"]:
        image = recorded["region_images"][sample["image"]]
        size = (image["height"], image["width"])
        ranges = [[list(pair) for pair in crop_ranges(box, size)] for box in whole_pixels(image)]
        assert sample["crop_ranges"] in ranges


def test_the_recorded_elements_stay_in_the_recorded_crops(recorded):
    few = 0
    for sample in recorded["region_samples"]:
        image = recorded["region_images"][sample["image"]]
        crop = Crop(*sample["crop_xywh"])
        boxes = whole_pixels(image)
        inside = {row for row, box in enumerate(boxes) if box_in_crop(box, crop)}
        stayed = {element for element in sample["elem"] if element >= 0}
        assert stayed <= inside
        if len(sample["elem"]) < recorded["region_config"]["max_regions"]:
            assert stayed == inside
            few += 1
    assert few


def test_targets_and_masks_are_the_recorded_ones(recorded):
    side = recorded["region_config"]["image_res"]
    flips = set()
    for sample in recorded["region_samples"]:
        boxes = whole_pixels(recorded["region_images"][sample["image"]])
        crop = Crop(*sample["crop_xywh"])
        flips.add(sample["flip"])
        for row, element in enumerate(sample["elem"]):
            if element < 0:
                continue
            box = box_in_square(box_in_crop(boxes[element], crop), crop, sample["flip"], side)
            found = shares_of_square(box, side)
            np.testing.assert_allclose(found, sample["target_cxcywh"][row], atol=1e-6)
            mask = region_mask(box, side)
            assert "".join(map(str, mask)) == sample["image_atts"][row]
    assert flips == {True, False}


def test_the_edges_of_a_crop_leave_the_box_whole():
    ranges = crop_ranges((8.7, 43, 89.5, 4), (96, 128))
    assert ranges == ((0, 8), (0, 43), (99, 128), (47, 96))
    assert crop_ranges((0.5, 0, 127.5, 95.5), (96, 128))[2:] == ((128, 128), (96, 96))


def test_a_region_stays_if_more_than_half_of_it_is_in_the_crop():
    crop = Crop(10, 0, 50, 40)
    assert box_in_crop((0, 0, 20, 10), crop) is None  # half
    assert box_in_crop((0, 0, 21, 10), crop) == (0, 0, 11, 10)
    assert box_in_crop((20, 30, 10, 15), crop) == (10, 30, 10, 10)
    assert box_in_crop((80, 0, 10, 10), crop) is None


def test_a_flipped_box_is_as_far_from_the_other_edge():
    crop = Crop(3, 5, 50, 40)
    assert box_in_square((10, 20, 15, 10), crop, False, 100) == (20, 50, 30, 25)
    assert box_in_square((10, 20, 15, 10), crop, True, 100) == (50, 50, 30, 25)
    assert shares_of_square((50, 50, 30, 25), 100) == (0.65, 0.625, 0.3, 0.25)


@pytest.mark.parametrize(
    ("box", "part"),
    [
        ((-2, 1, 5, 4), (0, 1, 3, 4)),
        ((6, 6, 5, 9), (6, 6, 4, 2)),
        ((1, 1, 0, 4), None),
        ((1, 1, 4, -2), None),
        ((10, 0, 3, 3), None),  # touches
        ((-5, -5, 40, 40), (0, 0, 10, 8)),
    ],
)
def test_what_of_a_box_lies_outside_is_cut_away(box, part):
    assert overlap(box, (0, 0, 10, 8)) == part


@pytest.mark.parametrize(
    ("found", "recorded", "expected"),
    [
        ((480, 640), (480, 640), (1, 1)),
        ((480, 640), (0, 0), (1, 1)),  # not recorded
        ((240, 320), (480, 640), (0.5, 0.5)),
        ((256, 341), (480, 640), (341 / 640, 256 / 480)),  # of 341.33 pixels
        ((333, 250), (1000, 752), (250 / 752, 0.333)),
        ((640, 480), (480, 640), None),  # turned
        ((384, 384), (480, 640), None),  # made a square
        ((480, 600), (480, 640), None),  # cut
    ],
)
def test_boxes_are_scaled_to_a_resized_copy_and_to_no_other_image(found, recorded, expected):
    scale = scale_of_boxes(found, recorded)
    assert scale == (None if expected is None else pytest.approx(expected))


def test_a_scaled_box_keeps_its_shares_of_the_image():
    assert scaled((10.0, 20.0, 30.0, 40.0), (0.5, 2.0)) == (5, 40, 15, 80)
