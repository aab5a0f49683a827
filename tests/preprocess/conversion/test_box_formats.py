"""Box formats: conversions by hand, and what contradicts each."""

import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.conversion.box_formats import (
    BOX_FORMATS,
    LEAST_BEYOND,
    count_centres_beyond,
    find_misfit,
    to_visual_pos,
)

# In an image 200 wide and 100 high: from (20, 10) to (120, 60), and the whole.
SAME = {
    "xyxy": [(20, 10, 120, 60), (0, 0, 200, 100)],
    "xywh": [(20, 10, 100, 50), (0, 0, 200, 100)],
    "normalized_xyxy": [(0.1, 0.1, 0.6, 0.6), (0, 0, 1, 1)],
    "cxcywh_over_hwhw": [(0.7, 0.175, 1, 0.25), (1, 0.25, 2, 0.5)],
}


@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_each_format_becomes_corners_over_the_sides(box_format):
    found = to_visual_pos(np.array(SAME[box_format], float), box_format, 100, 200)
    np.testing.assert_allclose(found, SAME["normalized_xyxy"], atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("height", [100, 480, 640])
@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_36_boxes_fit_no_other_format(box_format, height):
    generator = np.random.default_rng(0)
    corners = np.sort(generator.random((36, 2, 2)), axis=1).reshape(36, 4)
    x1, y1, x2, y2 = (corners * (200, height, 200, height)).T
    columns = {
        "xyxy": (x1, y1, x2, y2),
        "xywh": (x1, y1, x2 - x1, y2 - y1),
        "normalized_xyxy": (x1 / 200, y1 / height, x2 / 200, y2 / height),
        "cxcywh_over_hwhw": (
            (x1 + x2) / 2 / height,
            (y1 + y2) / 2 / 200,
            (x2 - x1) / height,
            (y2 - y1) / 200,
        ),
    }
    boxes = np.stack(columns[box_format], axis=1)
    fitting = [name for name in BOX_FORMATS if find_misfit(boxes, name, height, 200) is None]
    assert fitting == [box_format]


def test_boxes_a_little_outside_are_clamped_and_others_refused():
    boxes = np.array([(-2.0, 0, 202.5, 101)])
    assert to_visual_pos(boxes, "xyxy", 100, 200).tolist() == [[0, 0, 1, 1]]
    with pytest.raises(InputError, match=r"200 x 100 pixels.*outside it, such as \(0, 0, 204, 1"):
        to_visual_pos(np.array([(0, 0, 204, 100)]), "xyxy", 100, 200)


def test_boxes_beyond_the_middle_are_counted_but_for_those_from_the_corner():
    xyxy = [
        (0, 0, 200, 100),  # the whole image, the same as xywh
        (2, 1, 150, 90),  # from the corner, within the margin
        (20, 10, 120, 60),  # its centre in the upper left quarter
        (20, 50, 100, 90),  # below the middle
        (120, 0, 140, 20),  # right of it
        (40, 20, 162, 80),  # right of it, within the margin
    ]
    assert count_centres_beyond(np.array(xyxy, float), 100, 200) == (2, 4)


def test_the_published_detectors_own_boxes_are_told_from_xywh(shared_data):
    """Recorded with random weights, in three COCO images."""
    recorded = np.load(shared_data / "frcnn_reference" / "reference_outputs.npz")
    for way in ("bgr", "lx", "loop"):
        counts = []
        all_boxes = recorded[f"{way}_boxes"], recorded[f"{way}_normalized_boxes"]
        for boxes, normalized in zip(*all_boxes, strict=True):
            width, height = (boxes[:, 2:] / normalized[:, 2:]).max(axis=0).round()
            counts.append(count_centres_beyond(boxes, height, width))
        beyond, n_boxes = np.sum(counts, axis=0)
        assert beyond > 2 * LEAST_BEYOND * n_boxes
