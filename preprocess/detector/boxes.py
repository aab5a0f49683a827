"""Boxes: normalisation, decoding, clipping, and anchors.

A box is x1 y1 x2 y2 in pixels (`..._xyxy`), x to the right, y down, with continuous coordinates:
its width is x2 - x1. Older code has inclusive boxes, whose x2 and y2 are the last pixels, so that
the width is x2 - x1 + 1: functions that take either have an argument `inclusive`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import clip_boxes_to_image


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


def outer_edges(boxes_xyxy: Tensor, inclusive: bool) -> Tensor:
    """Return (n, 4) boxes as continuous ones, whose width is x2 - x1.

    torchvision's operators then give what older code computes with "+1".
    """
    return boxes_xyxy + boxes_xyxy.new_tensor([0, 0, 1, 1]) if inclusive else boxes_xyxy


def decode_boxes(
    coder: BoxCoder, deltas: Tensor, boxes_xyxy: Tensor, size: tuple[int, int], inclusive: bool
) -> Tensor:
    """Refine boxes by what was predicted of them, and clip them to the image.

    Older code decodes an inclusive box to its outer edges and goes on as if they were its last
    pixels: by deltas of zero, x2 and y2 grow by 1 (unless clipped).

    Args:
        deltas: (n, 4), of centre and sides.
        boxes_xyxy: (n, 4).
        size: height and width of the image. The last pixel of a row is at x = width - 1.

    Returns:
        (n, 4) xyxy, inclusive if `boxes_xyxy` are.
    """
    height, width = size
    boxes_xyxy = coder.decode_single(deltas, outer_edges(boxes_xyxy, inclusive))
    return clip_boxes_to_image(boxes_xyxy, (height - 1, width - 1) if inclusive else size)


def cell_anchors(sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Make the anchors of one cell, centred at (0, 0).

    torchvision's are rounded and ordered by ratio; those of LXMERT's detector are neither.

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


def inclusive_cell_anchors(sizes: Sequence[float], ratios: Sequence[float], cell: int) -> Tensor:
    """Make the inclusive anchors of one cell of `cell` x `cell` pixels, as py-faster-rcnn does.

    A box of the cell's area takes each ratio, in whole pixels, and then grows to each size about
    the centre of the cell, (cell - 1) / 2. Rounding comes first, so that areas are not exact.

    Args:
        sizes: square roots of the anchors' areas, in pixels (the inner loop).
        ratios: height divided by width (the outer loop).

    Returns:
        (len(ratios) * len(sizes), 4) float32 xyxy.
    """
    anchors = []
    for ratio in ratios:
        width = round(cell / ratio**0.5)
        height = round(width * ratio)  # of the rounded width; halves go to the even number
        for size in sizes:
            x, y = (width * size / cell - 1) / 2, (height * size / cell - 1) / 2
            centre = (cell - 1) / 2
            anchors.append((centre - x, centre - y, centre + x, centre + y))
    return torch.tensor(anchors)


def grid_anchors(cell: Tensor, grid_height: int, grid_width: int, stride: int) -> Tensor:
    """Shift the anchors of one cell to each cell of a grid, whose first cell is `cell`'s.

    Args:
        cell: (A, 4) from `cell_anchors` or `inclusive_cell_anchors`.

    Returns:
        (grid_height * grid_width * A, 4) xyxy: rows, then columns, then anchors.
    """
    shifts_y = torch.arange(grid_height, device=cell.device, dtype=cell.dtype) * stride
    shifts_x = torch.arange(grid_width, device=cell.device, dtype=cell.dtype) * stride
    y, x = torch.meshgrid(shifts_y, shifts_x, indexing="ij")
    shifts = torch.stack((x, y, x, y), dim=-1).reshape(-1, 1, 4)  # (H * W, 1, 4)
    return (shifts + cell).reshape(-1, 4)  # (H * W * A, 4)
