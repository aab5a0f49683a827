"""Which image tokens of X-VLM stand for a box."""

from math import ceil, floor

import numpy as np

Box = tuple[float, float, float, float]


def region_mask(box_xywh: Box, image_size: int, patch: int = 32) -> np.ndarray:
    """Mark the image tokens that a box covers: at least one, and each patch that it touches.

    Args:
        box_xywh: left, top, width, height in pixels of the resized image.
        image_size: side of the resized image, in pixels.
        patch: side of what one token stands for.

    Returns:
        (1 + grid * grid,) int64, 1 for a token in the box. The first token, the mean of those that
        are marked, always is; the others follow row by row.
    """
    grid = image_size // patch
    left, top, width, height = box_xywh
    inside = np.zeros((grid, grid), np.int64)
    inside[_patches(top, height, grid, patch), _patches(left, width, grid, patch)] = 1
    return np.concatenate([[1], inside.reshape(-1)])


def _patches(start: float, length: float, grid: int, patch: int) -> slice:
    """Return the patches along one side that an interval touches."""
    first = min(floor(start / patch), grid - 1)
    return slice(first, max(first + 1, min(ceil((start + length) / patch), grid)))
