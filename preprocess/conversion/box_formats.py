"""Box formats of other people's region files, checked against the image and turned into ours.

- `xyxy`: x1 y1 x2 y2 in pixels of the image.
- `xywh`: x1 y1, width and height in pixels.
- `normalized_xyxy`: x1 and x2 over the image's width, y1 and y2 over its height: `visual_pos`.
- `cxcywh_over_hwhw`: x and y of the centre, width and height; horizontal numbers over the image's
  *height* and vertical ones over its *width*. The code of the paper wrote these.

No format can be told from one box alone, so that of the file's producer is assumed, or the one
that the user names, and boxes that contradict it are refused.

Boxes `xywh` that are all wider and taller than their offset do not contradict `xyxy`. Many boxes
tell: a box `xyxy` whose centre is right of the image's middle, or below it, would as `xywh` end
outside the image (x1 + x2 > width says both), and most regions of photographs are such, while of
boxes that are `xywh` none is. Where the user names no format, `count_centres_beyond` and
`LEAST_BEYOND` decide, for the first images of each input. It cannot be told for an odd image on
its own, such as one whose regions are all in its upper left quarter: later in an input that passed,
it is taken for what the others are.
"""

from typing import Literal, get_args

import numpy as np

from preprocess.base.errors import InputError

BoxFormat = Literal["xyxy", "xywh", "normalized_xyxy", "cxcywh_over_hwhw"]
BOX_FORMATS: tuple[BoxFormat, ...] = get_args(BoxFormat)
# Detectors work on a resized image of whole pixels, and older code adds one pixel to a width.
SHARE_OUTSIDE = 0.01  # of a side
PIXELS_OUTSIDE = 1
# Numbers that are all so small are normalised ones (over the wrong side they reach the image's
# aspect ratio), unless the image itself is as small.
NORMALIZED_REACH = 4  # pixels
SMALLEST_SIDE = 8
# Of boxes `xyxy` evenly spread over images three quarters are beyond the middle; of the regions in
# the demo's images 88 %, though in single images none. Of boxes `xywh`, those that end outside by
# mistake.
LEAST_BEYOND = 0.25  # of the boxes


def pixels_xyxy(boxes: np.ndarray, box_format: BoxFormat, height: int, width: int) -> np.ndarray:
    """Convert (n, 4) boxes of a format to x1 y1 x2 y2 in pixels, (n, 4) float64."""
    boxes = np.array(boxes, np.float64)
    if box_format == "normalized_xyxy":
        return boxes * (width, height, width, height)
    if box_format == "xywh":
        return np.concatenate((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), axis=1)
    if box_format == "cxcywh_over_hwhw":
        boxes = boxes * (height, width, height, width)
        centres, halves = boxes[:, :2], boxes[:, 2:] / 2
        return np.concatenate((centres - halves, centres + halves), axis=1)
    return boxes


def to_visual_pos(boxes: np.ndarray, box_format: BoxFormat, height: int, width: int) -> np.ndarray:
    """Return x1 y1 x2 y2 over the image's width and height, clamped to [0, 1], (n, 4) float32.

    Args:
        boxes: (n, 4), finite.

    Raises:
        InputError: the boxes cannot be of this format in an image of this size. The line names
            the formats that they could be of.
    """
    misfit = find_misfit(boxes, box_format, height, width)
    if misfit:
        fitting = [f for f in BOX_FORMATS if find_misfit(boxes, f, height, width) is None]
        advice = (
            f"they could be --box_format {' or '.join(fitting)}"
            if fitting
            else "they fit no known format: do they belong to this image?"
        )
        raise InputError(
            f"expected {box_format} boxes in an image of {width} x {height} pixels (width x "
            f"height), found {misfit}; {advice}"
        )
    import torch  # not above: it takes seconds, before options are read

    from preprocess.detector.boxes import normalize_boxes_xyxy

    xyxy = torch.from_numpy(pixels_xyxy(boxes, box_format, height, width))
    return normalize_boxes_xyxy(xyxy, height, width).float().numpy()


def find_misfit(boxes: np.ndarray, box_format: BoxFormat, height: int, width: int) -> str | None:
    """Say what contradicts that (n, 4) `boxes` are of a format; None where nothing does."""
    xyxy = pixels_xyxy(boxes, box_format, height, width)
    size = np.array([width, height, width, height])
    margin = margins(size)
    for what, wrong in (
        ("with an end before its start", xyxy[:, 2:] < xyxy[:, :2]),
        ("outside it", (xyxy < -margin) | (xyxy > size + margin)),
    ):
        rows = np.flatnonzero(wrong.any(axis=1))
        if len(rows):
            return f"{len(rows)} of {len(boxes)} {what}, such as {_show(boxes[rows[0]])}"
    is_pixels = box_format in ("xyxy", "xywh")
    if is_pixels and boxes.max() <= NORMALIZED_REACH and min(height, width) >= SMALLEST_SIDE:
        return f"none beyond {NORMALIZED_REACH} pixels, such as {_show(boxes[0])}"
    return None


def count_centres_beyond(boxes: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """Count the `xyxy` boxes with a centre right of or below the middle: no `xywh` boxes.

    Args:
        boxes: (n, 4), finite, x1 y1 x2 y2 or x1 y1 width height in pixels.

    Returns:
        How many there are, and of how many boxes: those that start in the image's corner are not
        counted, because both formats mean the same by them.
    """
    size = np.array([width, height])
    margin = margins(size)
    apart = (boxes[:, :2] > margin).any(axis=1)
    beyond = (boxes[:, :2] + boxes[:, 2:] > size + margin).any(axis=1)
    return int((beyond & apart).sum()), int(apart.sum())


def margins(size: np.ndarray) -> np.ndarray:
    """Return by how many pixels a box may leave an image with sides of these pixels."""
    return SHARE_OUTSIDE * size + PIXELS_OUTSIDE


def _show(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{number:.4g}" for number in box) + ")"
