import math

import torch
from torchvision.models.detection._utils import BoxCoder

from preprocess.boxes import (
    cell_anchors,
    grid_anchors,
    nonempty_boxes,
    normalize_boxes_xyxy,
    select_regions,
)
from preprocess.faster_rcnn import LARGEST_GROWTH


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


# Boxes of 10 x 10 pixels: 0 and 1 overlap by 9 / 11 (0.82), 2 and 3 by 5 / 15 (0.33), 4 is alone.
BOXES = torch.tensor(
    [[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10], [55, 0, 65, 10], [90, 0, 100, 10.0]]
)
SCORES = torch.tensor([0.5, 0.9, 0.6, 0.7, 0.8])


def test_the_first_threshold_that_leaves_enough_regions_decides():
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.3, 0.5, 0.9), n_regions=3)
    assert (chosen.tolist(), n_fillers) == ([1, 4, 3], 0)  # at 0.3: 1, 4 and 3 survive
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.3, 0.5, 0.9), n_regions=4)
    assert (chosen.tolist(), n_fillers) == ([1, 4, 3, 2], 0)  # at 0.5: 2 as well
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.3, 0.5, 0.9), n_regions=5)
    assert (chosen.tolist(), n_fillers) == ([1, 4, 3, 2, 0], 0)  # at 0.9: all


def test_more_survivors_than_regions_are_cut_in_order_of_score():
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.9,), n_regions=2)
    assert (chosen.tolist(), n_fillers) == ([1, 4], 0)


def test_too_few_survivors_are_followed_by_the_best_suppressed_regions():
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.2, 0.3), n_regions=4)
    assert (chosen.tolist(), n_fillers) == ([1, 4, 3, 2], 1)
    chosen, n_fillers = select_regions(BOXES, SCORES, (0.2, 0.3), n_regions=5)
    assert (chosen.tolist(), n_fillers) == ([1, 4, 3, 2, 0], 2)
