"""Which image tokens stand for a box."""

import json

import numpy as np
import pytest

from information_retrieval.models.xvlm.region_tokens import region_mask


def rows_and_columns(mask: np.ndarray) -> tuple[list[int], list[int]]:
    """First and last row and column that are marked; all between must be."""
    grid = int(len(mask) ** 0.5)
    inside = mask[1:].reshape(grid, grid)
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    assert inside.sum() == len(rows) * len(columns)
    return [rows[0], rows[-1]], [columns[0], columns[-1]]


def test_boxes_cover_the_recorded_tokens(shared_data):
    recorded = json.loads((shared_data / "xvlm_reference" / "data_vectors.json").read_text())
    assert len(recorded["token_boxes"]) == 40
    for case in recorded["token_boxes"]:
        mask = region_mask(tuple(case["box_xywh"]), case["image_res"])
        assert rows_and_columns(mask) == (case["rows"], case["columns"])


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0, 0, 128, 128), [0, 3], [0, 3]),
        ((32, 64, 32, 32), [2, 2], [1, 1]),  # exactly a patch
        ((31.9, 64, 32, 32.1), [2, 3], [0, 1]),  # touches the next ones
        ((32, 32, 0, 0), [1, 1], [1, 1]),
        ((128, 128, 0, 0), [3, 3], [3, 3]),  # the far corner
    ],
)
def test_a_box_covers_each_patch_that_it_touches_and_at_least_one(box, rows, columns):
    mask = region_mask(box, 128)
    assert mask.shape == (17,)
    assert mask[0] == 1
    assert rows_and_columns(mask) == (rows, columns)


def test_tokens_are_counted_row_by_row_after_the_first():
    assert region_mask((32, 0, 32, 32), 64).tolist() == [1, 0, 1, 0, 0]
    assert region_mask((0, 32, 32, 32), 64).tolist() == [1, 0, 0, 1, 0]
    assert region_mask((0, 8, 8, 8), 16, patch=8).tolist() == [1, 0, 0, 1, 0]
