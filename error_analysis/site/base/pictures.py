"""Small pictures of a split's images: WebP files beside a page, or data URIs inside it."""

import base64
import io
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from preprocess.storage.decoded_images import map_images
from preprocess.storage.images_file import ImagesFile

# In a cell of a notebook, which keeps them; and beside a page, where one can be enlarged.
CELL_SIDE = 240
PAGE_SIDE = 400
WEBP = {"quality": 70, "method": 2}


def picture(pixels: np.ndarray, longest_side: int = CELL_SIDE) -> bytes:
    """Shrink an image (height, width, 3) uint8 RGB to at most `longest_side` pixels, as a WebP."""
    image = Image.fromarray(pixels)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    content = io.BytesIO()
    image.save(content, "WEBP", **WEBP)
    return content.getvalue()


def write_pictures(
    images: ImagesFile, image_ids: Iterable[int], folder: Path, longest_side: int = PAGE_SIDE
) -> None:
    """Write {image_id}.webp of each image into an existing folder.

    Raises:
        InputError: an image is not in the file, or its data are damaged.
    """
    shrink = partial(picture, longest_side=longest_side)
    for image_id, content in map_images(shrink, images, image_ids):
        (folder / f"{image_id}.webp").write_bytes(content)


def picture_uris(images: ImagesFile, image_ids: Iterable[int]) -> dict[int, str]:
    """Return each image's picture as a data URI, by its id. Raises InputError likewise."""
    return {
        image_id: "data:image/webp;base64," + base64.b64encode(content).decode("ascii")
        for image_id, content in map_images(picture, images, image_ids)
    }
