"""`{split}_images.h5`: the images of a split, as the bytes of their own files.

image_ids (N,) int64; images (N,) variable-length uint8; checksums (N,) uint32
attributes: those of preprocess/hdf5.py
"""

from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from preprocess.decoding import decode_rgb
from preprocess.files import atomic_path
from preprocess.hdf5 import LIBVER, Schema, SplitHdf5, checksum, reading_hdf5, write_attributes

IMAGES = Schema(
    "encoded_images",
    "`python -m preprocess.write_images`",
    {
        "image_ids": ("N", "int64"),
        "images": ("N", "variable-length uint8"),
        "checksums": ("N", "uint32"),
    },
)


class ImagesFile(SplitHdf5):
    """Encoded images of a split."""

    schema = IMAGES

    def read_encoded(self, image_id: int) -> bytes:
        """Return the source file's own bytes. Raises InputError as `FeaturesFile.read`."""
        row = self.row_of(image_id)
        with reading_hdf5(self.path, self.schema):
            encoded = self.datasets["images"][row].tobytes()
            self.check_sum(row, (encoded,))
        return encoded

    def read(self, image_id: int) -> np.ndarray:
        """Return the image as (height, width, 3) uint8 RGB. Raises InputError likewise."""
        return decode_rgb(self.read_encoded(image_id), f"{self.path}, image {image_id}")


def write_images_file(path: Path, image_ids: np.ndarray, encoded: Iterable[bytes]) -> None:
    """Write an images file, atomically: killed or failing, `path` is not touched.

    Args:
        image_ids: (N,) integer.
        encoded: N images as the bytes of their files, in that order.
    """
    with atomic_path(path) as partial, h5py.File(partial, "w", libver=LIBVER) as file:
        file["image_ids"] = np.asarray(image_ids, np.int64)
        images = file.create_dataset(
            "images", (len(image_ids),), h5py.vlen_dtype(np.dtype("uint8"))
        )
        checksums = np.zeros(len(image_ids), np.uint32)
        for row, data in zip(range(len(image_ids)), encoded, strict=True):
            images[row] = np.frombuffer(data, np.uint8)
            checksums[row] = checksum(image_ids[row], (data,))
        file["checksums"] = checksums
        write_attributes(file, IMAGES, True, {})
