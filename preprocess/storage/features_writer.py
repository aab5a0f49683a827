"""Writing a features file (preprocess/storage/features_file.py) image by image, resumably."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from preprocess.storage.features_file import FEATURES, ROW_DATASETS
from preprocess.storage.hdf5 import SKIPPED
from preprocess.storage.rows_writer import RowsWriter


class FeaturesWriter(RowsWriter):
    """Writes a features file, image by image, as `RowsWriter` does.

    Images whose files are damaged may be skipped, so that the file of the others can be finished.
    `write` takes each name of `ROW_DATASETS`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        n_regions, feature_dim, dtype: R, D and the type of `visual_feats`.
        attributes: what made the features: extractor, weights, weights_sha256, and settings, a
            dictionary in JSON; of a shard, which one it is.
        source_ids: as of `RowsWriter`.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the path holds something
            else or features of other images, shapes or attributes.
    """

    schema = FEATURES
    numbers, what = "visual_feats", "features"
    axes = "images, regions, dimensions"
    chunked = True

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        n_regions: int,
        feature_dim: int,
        dtype: str,
        attributes: Mapping[str, str | int],
        source_ids: Sequence[str | None] | None = None,
    ):
        shape = (n_regions, feature_dim)
        super().__init__(path, image_ids, shape, dtype, attributes, source_ids)

    def skipped_rows(self) -> np.ndarray:
        """Return the rows of the images that were skipped, ascending, (n_skipped,) int64."""
        return np.flatnonzero(self._datasets["done"][:] == SKIPPED)

    def source_crc32(self) -> np.ndarray:
        """Return the CRC-32 of the image file that each row was made from, (N,) uint32.

        Rows that are missing hold anything.
        """
        return self._datasets["source_crc32"][:]

    def skip(self, row: int, source_crc32: int) -> None:
        """Record that an image is damaged and has no features, so that the file can be finished.

        Args:
            source_crc32: of the damaged file, which tells when it is replaced.

        Raises:
            InputError: the disk is full or fails.
        """
        # Zeros, not what a killed write left: files of the same images are then the same.
        stored = {name: np.zeros_like(self._datasets[name][row]) for name in ROW_DATASETS}
        self._write(row, {**stored, "source_crc32": np.uint32(source_crc32)}, 0, SKIPPED)
