"""Thumbnails of a split's images: JPEG files beside a page, or data URIs inside it."""

import base64
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from preprocess.storage.decoded_images import map_images
from preprocess.storage.images_file import ImagesFile

LONGEST_SIDE = 240
JPEG_QUALITY = 80


def thumbnail(pixels: np.ndarray, longest_side: int = LONGEST_SIDE) -> bytes:
    """Shrink an image (height, width, 3) uint8 RGB to at most `longest_side` pixels, as a JPEG."""
    image = Image.fromarray(pixels)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    content = io.BytesIO()
    image.save(content, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return content.getvalue()


def write_thumbnails(images: ImagesFile, image_ids: Iterable[int], folder: Path) -> None:
    """Write {image_id}.jpg of each image into an existing folder.

    Raises:
        InputError: an image is not in the file, or its data are damaged.
    """
    for image_id, content in map_images(thumbnail, images, image_ids):
        (folder / f"{image_id}.jpg").write_bytes(content)


def thumbnail_uris(images: ImagesFile, image_ids: Iterable[int]) -> dict[int, str]:
    """Return each image's thumbnail as a data URI, by its id. Raises InputError likewise."""
    return {
        image_id: "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
        for image_id, content in map_images(thumbnail, images, image_ids)
    }
