"""Boxes of regions in an image, in a part of it, and in that part resized. Nothing is drawn.

A box is left, top, width, height in pixels, with continuous coordinates, as in a regions file. The
published code cuts each of the four to whole pixels first; here a box stays as it was given.
"""

from math import ceil, floor

from information_retrieval.models.xvlm.region_tokens import Box
from information_retrieval.training.examples.augmentation import Crop

LEAST_INSIDE = 0.5  # share of a region's area: it is in a part if more than this is


def overlap(box: Box, frame: Box) -> Box | None:
    """Return the part of a box inside a frame, in the same coordinates; None if it has no area."""
    left, top = max(box[0], frame[0]), max(box[1], frame[1])
    right = min(box[0] + box[2], frame[0] + frame[2])
    bottom = min(box[1] + box[3], frame[1] + frame[3])
    if right <= left or bottom <= top:
        return None
    return left, top, right - left, bottom - top


def scale_of_boxes(found: tuple[int, int], recorded: tuple[int, int]) -> tuple[float, float] | None:
    """Return what boxes of an image are multiplied by, across and down, as it is read.

    None where it was not only resized, as after a turn or a cut: no side is within a pixel of what
    the other's scale gives.

    Args:
        found: height, width of the image that is read.
        recorded: those that the boxes are of; 0 where unknown, and taken to be the same.
    """
    if 0 in recorded or found == recorded:
        return 1.0, 1.0
    (height, width), (old_height, old_width) = found, recorded
    across, down = width / old_width, height / old_height
    if abs(width - down * old_width) > 1 and abs(height - across * old_height) > 1:
        return None
    return across, down


def scaled(box: Box, scale: tuple[float, float]) -> Box:
    """Return a box of an image in its copy of another size, as `scale_of_boxes` tells it."""
    (across, down), (left, top, width, height) = scale, box
    return left * across, top * down, width * across, height * down


def crop_ranges(box: Box, image_size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return the least and greatest left, top, right and bottom edge of a crop around a box.

    Args:
        box: inside the image.
        image_size: height, width.
    """
    height, width = image_size
    left, top, box_width, box_height = box
    right, bottom = min(ceil(left + box_width), width), min(ceil(top + box_height), height)
    return (0, floor(left)), (0, floor(top)), (right, width), (bottom, height)


def box_in_crop(box: Box, crop: Crop) -> Box | None:
    """Return the part of a region's box in a crop, from the crop's corner.

    None if no more than half of the region's area is in it.
    """
    inside = overlap(box, (crop.left, crop.top, crop.width, crop.height))
    if inside is None or inside[2] * inside[3] <= LEAST_INSIDE * box[2] * box[3]:
        return None
    return inside[0] - crop.left, inside[1] - crop.top, inside[2], inside[3]


def box_in_square(box: Box, crop: Crop, flipped: bool, side: int) -> Box:
    """Return a box of a crop in the crop as it is seen: flipped, and resized to a square.

    Args:
        box: from the crop's corner, inside it.
        side: of the square, in pixels.
    """
    left, top, width, height = box
    if flipped:
        left = crop.width - left - width
    return scaled((left, top, width, height), (side / crop.width, side / crop.height))


def shares_of_square(box: Box, side: int) -> Box:
    """Return centre x and y, width and height of a box as shares of a square's side."""
    left, top, width, height = box
    return (left + width / 2) / side, (top + height / 2) / side, width / side, height / side
