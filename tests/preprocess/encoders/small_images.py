"""A small images file of random pictures, some of which may be damaged."""

import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
from PIL import Image

from preprocess.storage.images_file import write_images_file


def picture(row: int) -> bytes:
    """A small random picture's file, its shape and pixels by its row."""
    shape = (20 + row % 3, 30 - row % 5, 3)
    pixels = np.random.default_rng(row).integers(0, 256, shape, np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def write_small_images(path: Path, n_images: int, damaged: Collection[int] = ()) -> Path:
    """Images of several shapes by descending ids; of the rows in `damaged` half a file is there."""
    encoded = []
    for row in range(n_images):
        whole = picture(row)
        encoded.append(whole[: len(whole) // 2] if row in damaged else whole)
    write_images_file(path, np.arange(100 + n_images, 100, -1), encoded)
    return path
