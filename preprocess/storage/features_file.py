"""`{split}_features.h5`: the region features of a split, R regions of D numbers an image.

image_ids (N,) int64; visual_feats (N, R, D) float32 or float16, one chunk an image;
visual_pos (N, R, 4) float32, x1 y1 x2 y2 over image width and height, in [0, 1];
image_sizes (N, 2) int32, height and width; object_ids, attribute_ids (N, R) int32;
object_scores, attribute_scores (N, R) float32; n_fillers (N,) int32, how many of an image's last
regions fill up (were suppressed, or are repeated); source_crc32 (N,) uint32, the CRC-32 of the
encoded image file, or of the numbers that were converted; done (N,) uint8, 1 of an image whose rows
are written, 2 of one that was skipped as damaged (its rows are 0), 0 of one that is still missing;
checksums (N,) uint32, of an image's id and its rows in the order of `ROW_DATASETS`, 0 of one that
was skipped.
Attributes: those of preprocess/storage/hdf5.py; extractor, weights, weights_sha256, settings
(JSON); a shard's shard_index and num_shards (preprocess/extracting/shards.py).
"""

import mmap
from collections.abc import Iterable
from dataclasses import replace

import h5py
import numpy as np

from preprocess.base.errors import InputError
from preprocess.storage.hdf5 import SKIPPED, Schema, SplitHdf5, reading_hdf5
from preprocess.storage.mapped_rows import MappedRows, can_map

ROWS = {
    "visual_feats": ("N R D", "float32 or float16"),
    "visual_pos": ("N R 4", "float32"),
    "image_sizes": ("N 2", "int32"),
    "object_ids": ("N R", "int32"),
    "object_scores": ("N R", "float32"),
    "attribute_ids": ("N R", "int32"),
    "attribute_scores": ("N R", "float32"),
    "n_fillers": ("N", "int32"),
    "source_crc32": ("N", "uint32"),
}
ROW_DATASETS = tuple(ROWS)
FEATURES = Schema(
    "region_features",
    "`python -m preprocess.extract_features`",
    {
        "image_ids": ("N", "int64"),
        "done": ("N", "uint8"),
        "checksums": ("N", "uint32"),
        **ROWS,
    },
)
CONVERTED = "preprocess.convert_features"
LISTED = 10  # skipped images in an error line


class FeaturesFile(SplitHdf5):
    """Region features of a split.

    Attributes:
        n_regions, feature_dim, dtype: R and D of `visual_feats` (N, R, D), and its type's name.
        skipped: images of the split without features, because their files were damaged: the
            CRC-32 of each file by image id.
    """

    schema = FEATURES

    def read_shapes(self, file: h5py.File) -> None:
        if self.attributes.get("extractor") == CONVERTED:
            self.schema = replace(self.schema, made_by=f"`python -m {CONVERTED}`")
        self._mapped: MappedRows | None = None
        # Rows whose checksum was compared, by this process or a worker that it forked.
        shared = mmap.mmap(-1, len(self.image_ids) + 1)
        self._checked = np.frombuffer(shared, bool, len(self.image_ids))
        self.n_regions, self.feature_dim = (int(n) for n in file["visual_feats"].shape[1:])
        self.dtype = file["visual_feats"].dtype.name
        skipped = file["done"][:] == SKIPPED
        crc32 = file["source_crc32"][:]
        self.skipped = dict(
            zip(self.image_ids[skipped].tolist(), crc32[skipped].tolist(), strict=True)
        )

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "_mapped": None}

    def check_covers(self, image_ids: Iterable[int]) -> None:
        """Raise InputError unless every image is in the file, and none was skipped."""
        image_ids = [int(image_id) for image_id in image_ids]
        skipped = [image_id for image_id in image_ids if image_id in self.skipped]
        if skipped:
            listed = ", ".join(map(str, skipped[:LISTED])) + (", ..." if skipped[LISTED:] else "")
            raise InputError(
                f"{self.path}: expected every image of the split, found {len(skipped)} skipped as "
                f"damaged: {listed}; take them out of the split file, or replace their files and "
                f"repeat the {self.schema.made_by} command that made it"
            )
        super().check_covers(image_ids)

    def read(self, image_id: int) -> dict[str, np.ndarray]:
        """Return an image's rows by dataset name, as in `ROW_DATASETS` and without the N axis.

        Raises:
            InputError: the image is not in the file or was skipped, or its data are damaged.
        """
        row = self.row_of(image_id)
        if int(image_id) in self.skipped:
            self.check_covers([image_id])
        arrays = {name: self._read_row(name, row) for name in ROW_DATASETS}
        with reading_hdf5(self.path, self.schema):
            self.check_sum(row, arrays.values())
        self._checked[row] = True
        return arrays

    def read_regions(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an image's `visual_feats` and `visual_pos`, as training reads them.

        The checksum is compared when the image is read for the first time, by this process or a
        worker that it forked.

        Raises:
            InputError: as `read`.
        """
        row = self.row_of(image_id)
        if not self._checked[row]:
            arrays = self.read(image_id)
            return arrays["visual_feats"], arrays["visual_pos"]
        return self._read_row("visual_feats", row), self._read_row("visual_pos", row)

    def _read_row(self, name: str, row: int) -> np.ndarray:
        with reading_hdf5(self.path, self.schema):
            if self._mapped is None:
                mappable = {n: self.datasets[n] for n in ROW_DATASETS if can_map(self.datasets[n])}
                self._mapped = MappedRows(self.path, mappable)
            if name in self._mapped:
                return self._mapped.read(name, row)
            return np.asarray(self.datasets[name][row])
