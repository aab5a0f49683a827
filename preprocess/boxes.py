"""Boxes: clipping, normalisation, anchors, and the choice of an image's regions.

A box is x1 y1 x2 y2 in pixels (`..._xyxy`), x to the right, y down, with continuous coordinates:
its width is x2 - x1, without the "+1" of older code. Names say so wherever it is otherwise.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import nms


def normalize_boxes_xyxy(boxes_xyxy: Tensor, height: int, width: int) -> Tensor:
    """Divide x by the image's width and y by its height.

    Args:
        boxes_xyxy: (..., 4) pixels of an image of `height` and `width`.

    Returns:
        (..., 4) float32 in [0, 1]; what rounding leaves outside is clamped.
    """
    size = boxes_xyxy.new_tensor([width, height, width, height])
    return (boxes_xyxy / size).clamp(0, 1)


def nonempty_boxes(boxes_xyxy: Tensor) -> Tensor:
    """Tell which boxes have an area.

    `torchvision.ops.remove_small_boxes` keeps sides equal to its minimum, so it cannot say this.

    Args:
        boxes_xyxy: (n, 4).

    Returns:
        (n,) bool.
    """
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return (sides > 0).all(dim=1)


def cell_anchors(sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Make the anchors of one cell, centred at (0, 0).

    torchvision's are rounded and ordered by ratio; the published detector's are neither.

    Args:
        sizes: square roots of the anchors' areas, in pixels (the outer loop).
        ratios: height divided by width (the inner loop).

    Returns:
        (len(sizes) * len(ratios), 4) float32 xyxy.
    """
    half_sides = [
        (size / ratio**0.5 / 2, size * ratio**0.5 / 2) for size in sizes for ratio in ratios
    ]
    return torch.tensor([(-x, -y, x, y) for x, y in half_sides])


def grid_anchors(cell: Tensor, grid_height: int, grid_width: int, stride: int) -> Tensor:
    """Shift the anchors of one cell to each cell of a grid, whose first centre is (0, 0).

    Args:
        cell: (A, 4) from `cell_anchors`.

    Returns:
        (grid_height * grid_width * A, 4) xyxy: rows, then columns, then anchors.
    """
    shifts_y = torch.arange(grid_height, device=cell.device, dtype=cell.dtype) * stride
    shifts_x = torch.arange(grid_width, device=cell.device, dtype=cell.dtype) * stride
    y, x = torch.meshgrid(shifts_y, shifts_x, indexing="ij")
    shifts = torch.stack((x, y, x, y), dim=-1).reshape(-1, 1, 4)  # (H * W, 1, 4)
    return (shifts + cell).reshape(-1, 4)  # (H * W * A, 4)


def select_regions(
    boxes_xyxy: Tensor, scores: Tensor, nms_thresholds: Sequence[float], n_regions: int
) -> tuple[Tensor, int]:
    """Choose the regions of an image: well-scored boxes that overlap little.

    Non-maximum suppression runs at each threshold in turn until at least `n_regions` boxes
    survive; the first `n_regions` are taken in descending order of score. Where even the last
    threshold leaves fewer, all its survivors are taken, followed by the best of the suppressed
    boxes (the published code crashes there, or repeats the image before).

    Args:
        boxes_xyxy: (n, 4), with n >= n_regions.
        scores: (n,).
        nms_thresholds: intersection over union above which the lower-scored box goes; ascending.

    Returns:
        (n_regions,) int64 indices into `boxes_xyxy`, and how many of them, at the end, are
        suppressed boxes that fill up.
    """
    assert len(boxes_xyxy) >= n_regions, (len(boxes_xyxy), n_regions)
    for threshold in nms_thresholds:
        kept = nms(boxes_xyxy, scores, threshold)
        if len(kept) >= n_regions:
            return kept[:n_regions], 0
    suppressed = torch.ones_like(scores, dtype=torch.bool)
    suppressed[kept] = False
    by_score = scores.argsort(descending=True, stable=True)
    fillers = by_score[suppressed[by_score]][: n_regions - len(kept)]
    return torch.cat((kept, fillers)), len(fillers)
