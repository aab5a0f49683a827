"""What the backbone reads: an image that was resized, minus the mean pixel."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from preprocess.base.errors import InputError
from preprocess.detector.config import DetectorConfig

SHORTEST_SIDE = 32  # pixels of the blob; of less, res4 has no cell left to pool


@dataclass(frozen=True)
class ImageBlob:
    """What the backbone reads: `pixels` (3, h, w) float32, and the size of the source image."""

    pixels: Tensor
    image_height: int
    image_width: int


def resized_size(height: int, width: int, min_size: int, max_size: int) -> tuple[int, int]:
    """Return height and width with the shorter side at `min_size`, or the longer at `max_size`.

    The scale is what satisfies both; sizes are rounded half up (torchvision rounds down).
    """
    scale = min_size / min(height, width)
    new_height, new_width = (
        (min_size, scale * width) if height < width else (scale * height, min_size)
    )
    if max(new_height, new_width) > max_size:
        scale = max_size / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return int(new_height + 0.5), int(new_width + 0.5)


def opencv_scale(height: int, width: int, min_size: int, max_size: int) -> float:
    """Return the scale that py-faster-rcnn and its successors give to `cv2.resize` as fx and fy.

    The new sides are `round(side * scale)`, halves to the even number.
    """
    scale = min_size / min(height, width)
    if round(scale * max(height, width)) > max_size:
        scale = max_size / max(height, width)
    return scale


def blob_size(height: int, width: int, config: DetectorConfig) -> tuple[int, int]:
    """Return the height and width of the blob of an image of `height` and `width`."""
    if config.resize == "opencv":
        scale = opencv_scale(height, width, config.min_size, config.max_size)
        return round(height * scale), round(width * scale)
    return resized_size(height, width, config.min_size, config.max_size)


def make_blob(image: np.ndarray, config: DetectorConfig) -> ImageBlob:
    """Resize an image and subtract the means.

    Like `cv2.resize` with fx and fy, `resize="opencv"` reads the source at coordinates of the exact
    scale, "torch" at those of the ratio of the rounded sizes: they part by up to half a pixel.

    Args:
        image: (H, W, 3) uint8 RGB.

    Raises:
        InputError: the image is so long and thin that its shorter side vanishes.
    """
    height, width = image.shape[:2]
    new_size = blob_size(height, width, config)
    if min(new_size) < SHORTEST_SIDE:
        raise InputError(
            f"an image of {width} x {height} pixels is too long and thin: resized to "
            f"{new_size[1]} x {new_size[0]}, expected at least {SHORTEST_SIDE} each way"
        )
    scale = None  # the ratio of the sizes
    if config.resize == "opencv":
        scale = opencv_scale(height, width, config.min_size, config.max_size)
    pixels = torch.from_numpy(image.astype(np.float32))
    if config.channel_order == "bgr":
        pixels = pixels.flip(2)
    pixels = pixels.permute(2, 0, 1)  # (H, W, 3) -> (3, H, W)
    # The operator behind F.interpolate, which takes either a size or a scale, not both. One channel
    # at a time: with several, torch takes another kernel where it has one thread, as in DataLoader
    # workers, whose values differ by up to 0.01 from the published ones.
    resize = torch.ops.aten.upsample_bilinear2d
    pixels = torch.cat(
        [resize(channel[None, None], new_size, False, scale, scale)[0] for channel in pixels]
    )
    # The weights of a new pixel add up to 1: means taken off before resizing, as by OpenCV's users,
    # come to the same.
    pixels = pixels - torch.tensor(config.pixel_means)[:, None, None]
    return ImageBlob(pixels, height, width)


def source_scale(blob: ImageBlob, config: DetectorConfig) -> tuple[float, float]:
    """Return how many pixels of the source a pixel of the blob stands for, along y and along x."""
    if config.resize == "opencv":
        size = blob.image_height, blob.image_width
        scale = opencv_scale(*size, config.min_size, config.max_size)
        return 1 / scale, 1 / scale
    height, width = blob.pixels.shape[-2:]
    return blob.image_height / height, blob.image_width / width
