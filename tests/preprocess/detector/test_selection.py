import pytest
import torch

from preprocess.detector.selection import (
    confidence_of_regions,
    select_by_confidence,
    select_regions,
)

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


def test_a_region_is_suppressed_only_within_a_class_and_counts_as_its_best_survivor():
    near = torch.tensor([0.0, 0.0, 10.0, 10.0])
    pairs = [  # region, class, score, shift of the box to the right
        (0, 7, 0.6, 0),
        (1, 7, 0.5, 1),  # suppressed by region 0 of the same class
        (1, 3, 0.3, 1),  # survives in a class of its own
        (2, 7, 0.4, 50),
        (2, 3, 0.45, 50),
        (4, 1599, 0.9, 0),
        (5, 1599, 0.8, 5),  # overlaps by 5 / 15, above 0.3
        (6, 1599, 0.7, 6),  # by 4 / 16 with region 4; region 5, of 9 / 11, is gone already
    ]
    region_ids, object_ids = torch.tensor([pair[:2] for pair in pairs]).T
    scores = torch.tensor([pair[2] for pair in pairs])
    boxes = torch.stack([near + torch.tensor([pair[3], 0, pair[3], 0]) for pair in pairs])
    confidence = confidence_of_regions(boxes, scores, region_ids, object_ids, 0.3, n_regions=8)
    expected = torch.tensor([0.6, 0.3, 0.45, 0, 0.9, 0, 0.7, 0])
    assert torch.equal(confidence, expected)


def test_classes_far_apart_in_number_do_not_blur_the_boxes():
    # Overlaps of 100 / 333.34 and 100 / 333.32, just below and just above 0.3.
    for width, survives in ((216.67, True), (216.65, False)):
        boxes = torch.tensor([[0.0, 0.0, 1000.0, 1.0], [900.0, 0.0, 900 + width, 1.0]])
        boxes[0, 0] = 783.33 if survives else 783.35
        scores = torch.tensor([0.9, 0.8])
        ids = torch.tensor([0, 1]), torch.tensor([1599, 1599])
        confidence = confidence_of_regions(boxes, scores, *ids, 0.3, n_regions=2)
        assert (confidence[1] > 0) == survives


def test_without_any_pair_no_region_is_confident():
    empty = torch.zeros(0)
    ids = torch.zeros(0, dtype=torch.long)
    confidence = confidence_of_regions(torch.zeros(0, 4), empty, ids, ids, 0.3, n_regions=3)
    assert confidence.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("n_chosen", "chosen", "n_fillers"),
    [
        (2, [4, 1], 0),  # more than enough: the best, in order
        (3, [1, 2, 4], 0),  # exactly: in order of index
        (5, [4, 1, 2, 0, 3], 2),  # too few: the others by index
        (6, [4, 1, 2, 0, 3, 5], 3),
    ],
)
def test_confident_regions_are_chosen_as_published(n_chosen, chosen, n_fillers):
    confidence = torch.tensor([0, 0.5, 0.3, 0, 0.9, 0])
    found, n_found = select_by_confidence(confidence, n_chosen)
    assert (found.tolist(), n_found) == (chosen, n_fillers)


def test_equal_confidence_goes_by_index():
    confidence = torch.full((50,), 0.5)
    assert select_by_confidence(confidence, 3)[0].tolist() == [0, 1, 2]
