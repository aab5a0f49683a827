import math
from dataclasses import replace

import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import nms

from preprocess.detector.boxes import (
    cell_anchors,
    decode_boxes,
    grid_anchors,
    inclusive_cell_anchors,
    nonempty_boxes,
    normalize_boxes_xyxy,
    outer_edges,
)
from preprocess.detector.config import DetectorConfig
from preprocess.detector.faster_rcnn import LARGEST_GROWTH, make_box_coder


def test_x_is_divided_by_the_width_and_y_by_the_height():
    boxes = torch.tensor([[20.0, 10.0, 200.0, 50.0]])
    normalized = normalize_boxes_xyxy(boxes, height=100, width=200)
    assert torch.equal(normalized, torch.tensor([[0.1, 0.1, 1.0, 0.5]]))


def test_normalized_boxes_that_rounding_leaves_outside_are_clamped():
    boxes = torch.tensor([[-1e-5, 0.0, 200.00002, 100.00001]])
    normalized = normalize_boxes_xyxy(boxes, height=100, width=200)
    assert torch.equal(normalized, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))


def test_a_box_without_width_or_height_is_empty():
    boxes = torch.tensor([[0, 0, 2, 2], [1, 1, 1, 5], [1, 1, 5, 1], [3, 3, 2, 4.0]])
    assert nonempty_boxes(boxes).tolist() == [True, False, False, False]


def test_deltas_move_the_centre_by_sides_and_scale_the_sides_by_exponentials():
    box = torch.tensor([[10.0, 20.0, 30.0, 60.0]])  # centre (20, 40), sides 20 and 40
    deltas = torch.tensor([[1.0, -2.0, 5 * math.log(2), 0.0]])  # weights 10, 10, 5, 5
    decoded = BoxCoder((10, 10, 5, 5), LARGEST_GROWTH).decode_single(deltas, box)
    # Centre (20 + 0.1 * 20, 40 - 0.2 * 40) = (22, 32), sides 40 and 40.
    torch.testing.assert_close(decoded, torch.tensor([[2.0, 12.0, 42.0, 52.0]]))


def test_a_side_never_grows_more_than_from_16_to_1000_pixels():
    box = torch.tensor([[0.0, 0.0, 16.0, 16.0]])
    deltas = torch.tensor([[0.0, 0.0, 100.0, 0.0]])
    decoded = BoxCoder((1, 1, 1, 1), LARGEST_GROWTH).decode_single(deltas, box)
    torch.testing.assert_close(decoded, torch.tensor([[-492.0, 0.0, 508.0, 16.0]]))


def test_anchors_of_a_cell_run_over_sizes_then_ratios_and_are_not_rounded():
    anchors = cell_anchors(sizes=(64, 128), ratios=(0.5, 1, 4))
    root = math.sqrt(2)
    expected = [
        [-32 * root, -16 * root, 32 * root, 16 * root],
        [-32, -32, 32, 32],
        [-16, -64, 16, 64],
        [-64 * root, -32 * root, 64 * root, 32 * root],
        [-64, -64, 64, 64],
        [-32, -128, 32, 128],
    ]
    torch.testing.assert_close(anchors, torch.tensor(expected))


def test_anchors_of_a_grid_run_over_rows_then_columns_then_the_cell():
    cell = torch.tensor([[-1.0, -2.0, 1.0, 2.0], [-3.0, -3.0, 3.0, 3.0]])
    anchors = grid_anchors(cell, grid_height=2, grid_width=3, stride=16)
    assert anchors.shape == (12, 4)
    assert anchors[0].tolist() == [-1, -2, 1, 2]
    assert anchors[1].tolist() == [-3, -3, 3, 3]
    assert anchors[2].tolist() == [15, -2, 17, 2]  # second column
    assert anchors[6].tolist() == [-1, 14, 1, 18]  # second row


def test_inclusive_anchors_are_those_of_py_faster_rcnn():
    anchors = inclusive_cell_anchors((64, 128, 256, 512), (0.5, 1, 2), cell=16)
    # Scales 4, 8, 16, 32 of boxes of 23 x 12, 16 x 16 and 11 x 22 pixels, all about (7.5, 7.5). The
    # last three of each ratio are in every derivative's source.
    expected = [
        [-38, -16, 53, 31],
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-24, -24, 39, 39],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-14, -36, 29, 51],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
    ]
    assert anchors.tolist() == expected


def test_the_outer_edges_of_an_inclusive_box_are_one_pixel_further():
    boxes = torch.tensor([[3.0, 4.0, 5.0, 9.0]])
    assert outer_edges(boxes, inclusive=True).tolist() == [[3, 4, 6, 10]]
    assert outer_edges(boxes, inclusive=False) is boxes


def test_inclusive_boxes_overlap_by_one_pixel_more():
    # Of 4 x 4 pixels, 2 columns shared: 8 / 24 = 0.33. As continuous boxes 1 / 5 = 0.2.
    boxes = torch.tensor([[0.0, 0.0, 3.0, 3.0], [2.0, 0.0, 5.0, 3.0]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(outer_edges(boxes, inclusive=True), scores, 0.3).tolist() == [0]
    assert nms(outer_edges(boxes, inclusive=False), scores, 0.3).tolist() == [0, 1]


def test_an_inclusive_box_is_decoded_to_its_outer_edges():
    coder = BoxCoder((10, 10, 5, 5), LARGEST_GROWTH)
    box = torch.tensor([[10.0, 20.0, 29.0, 59.0]])  # 20 x 40 pixels, centre (20, 40)
    deltas = torch.tensor([[1.0, -2.0, 5 * math.log(2), 0.0], [0.0, 0.0, 0.0, 0.0]])
    decoded = decode_boxes(coder, deltas, box.expand(2, 4), size=(200, 200), inclusive=True)
    # Centre (22, 32), sides 40 and 40; and the box itself, whose x2 and y2 have grown by 1.
    expected = torch.tensor([[2.0, 12.0, 42.0, 52.0], [10.0, 20.0, 30.0, 60.0]])
    torch.testing.assert_close(decoded, expected)


def test_an_inclusive_box_is_clipped_to_the_last_pixels():
    coder = BoxCoder((1, 1, 1, 1), LARGEST_GROWTH)
    box = torch.tensor([[-5.0, -5.0, 300.0, 300.0]])
    deltas = torch.zeros(1, 4)
    size = (100, 200)
    assert decode_boxes(coder, deltas, box, size, inclusive=True).tolist() == [[0, 0, 199, 99]]
    assert decode_boxes(coder, deltas, box, size, inclusive=False).tolist() == [[0, 0, 200, 100]]


def test_growth_without_clamp_has_no_limit_but_the_image():
    config = replace(DetectorConfig(), inclusive_boxes=True, clamp_growth=False)
    coder = make_box_coder(config, (1, 1, 1, 1))
    boxes = torch.tensor([[500.0, 500.0, 500.0, 500.0]]).expand(2, 4)  # one pixel
    deltas = torch.tensor([[0.0, 0.0, math.log(400), 0.0], [0.0, 0.0, 1e4, 0.0]])
    decoded = decode_boxes(coder, deltas, boxes, size=(1000, 1000), inclusive=True)
    # 400 pixels about 500.5, where 62.5 is the limit otherwise; infinitely many.
    expected = torch.tensor([[300.5, 500.0, 700.5, 501.0], [0.0, 500.0, 999.0, 501.0]])
    torch.testing.assert_close(decoded, expected, rtol=1e-5, atol=1e-3)
