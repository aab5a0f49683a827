"""`{split}_targets.h5`, or another name: one vector an image of a split, by a frozen encoder.

image_ids (N,) int64; encodings (N, D) float32 or float16; done (N,) uint8, 1 of an image whose row
is written, 0 of one that is missing; checksums (N,) uint32, of an image's id and its row.
Attributes: those of preprocess/storage/hdf5.py; encoder, the name of its folder or hub id;
weights_sha256, what identifies its weights (`ImageEncoder.revision`); images_sha256, what
identifies the images file (`ImagesFile.sha256`); settings (JSON).
"""

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from preprocess.storage.hdf5 import Schema, SplitHdf5, reading_hdf5
from preprocess.storage.rows_writer import RowsWriter

ENCODINGS = Schema(
    "image_encodings",
    "`python -m preprocess.encode_images`",
    {
        "image_ids": ("N", "int64"),
        "done": ("N", "uint8"),
        "checksums": ("N", "uint32"),
        "encodings": ("N D", "float32 or float16"),
    },
)


class EncodingsFile(SplitHdf5):
    """A vector for each image of a split.

    Attributes:
        width, dtype: D of `encodings` (N, D), and its type's name.
    """

    schema = ENCODINGS

    def read_shapes(self, file: h5py.File) -> None:
        self.width = int(file["encodings"].shape[1])
        self.dtype = file["encodings"].dtype.name

    def read(self, image_id: int) -> np.ndarray:
        """Return an image's vector, (D,) float32 whatever type is stored.

        Raises:
            InputError: the image is not in the file, or its data are damaged.
        """
        row = self.row_of(image_id)
        with reading_hdf5(self.path, self.schema):
            encoding = np.asarray(self.datasets["encodings"][row])
            self.check_sum(row, (encoding.tobytes(),))
        return encoding.astype(np.float32)


class EncodingsWriter(RowsWriter):
    """Writes an encodings file, image by image, as `RowsWriter` does: `write(row, encodings=...)`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images in order.
        width, dtype: D and the type of `encodings`.
        attributes: what made them: encoder, weights_sha256, images_sha256, and settings, a
            dictionary in JSON.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the path holds something
            else or encodings by another encoder or of other images.
    """

    schema = ENCODINGS
    numbers, what = "encodings", "encodings"
    axes = "images, numbers"
    chunked = False

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        width: int,
        dtype: str,
        attributes: Mapping[str, str | int],
    ):
        super().__init__(path, image_ids, (width,), dtype, attributes)
