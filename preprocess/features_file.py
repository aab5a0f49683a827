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
Attributes: those of preprocess/hdf5.py; extractor, weights, weights_sha256, settings (JSON); a
shard's shard_index and num_shards (preprocess/shards.py).
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from preprocess.errors import InputError
from preprocess.files import atomic_path
from preprocess.hdf5 import (
    LIBVER,
    Schema,
    SplitHdf5,
    checksum,
    open_hdf5,
    read_attributes,
    reading_hdf5,
    write_attributes,
)
from preprocess.mapped_rows import MappedRows, can_map
from preprocess.provenance import differences, flat_attributes

MISSING, WRITTEN, SKIPPED = 0, 1, 2  # in `done`
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
        self._mapped: MappedRows | None = None
        self._checked = np.zeros(len(self.image_ids), bool)  # rows, in this process
        self.n_regions, self.feature_dim = (int(n) for n in file["visual_feats"].shape[1:])
        self.dtype = file["visual_feats"].dtype.name
        skipped = file["done"][:] == SKIPPED
        crc32 = file["source_crc32"][:]
        self.skipped = dict(
            zip(self.image_ids[skipped].tolist(), crc32[skipped].tolist(), strict=True)
        )

    def __getstate__(self) -> dict:
        return {**super().__getstate__(), "_mapped": None}

    def sha256(self) -> str:
        """Return what identifies the features: the SHA-256 of the rows' checksums, in hex."""
        return hashlib.sha256(self.checksums.tobytes()).hexdigest()

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

        The checksum is compared when this process reads the image for the first time.

        Raises:
            InputError: as `read`.
        """
        row = self.row_of(image_id)
        if not self._checked[row]:
            arrays = self.read(image_id)
            return arrays["visual_feats"], arrays["visual_pos"]
        return self._read_row("visual_feats", row), self._read_row("visual_pos", row)

    def _read_row(self, name: str, row: int) -> np.ndarray:
        if self._mapped is None:
            with reading_hdf5(self.path, self.schema):
                mappable = {n: self.datasets[n] for n in ROW_DATASETS if can_map(self.datasets[n])}
                self._mapped = MappedRows(self.path, mappable)
        if name in self._mapped:
            return self._mapped.read(name, row)
        with reading_hdf5(self.path, self.schema):
            return np.asarray(self.datasets[name][row])


class FeaturesWriter:
    """Writes a features file, image by image, so that nothing done is lost.

    Every dataset is allocated when the file is created, and a row is marked done only after its
    data were flushed: a process killed at any moment leaves a readable file with `complete` =
    False, and opening the same path with the same arguments goes on with `missing_rows`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        image_ids, checksums: of each row; the checksum is 0 of an image that was skipped.
        n_regions, feature_dim, dtype: R, D and the type of `visual_feats`.
        attributes: what made the features: extractor, weights, weights_sha256, and settings, a
            dictionary in JSON; of a shard, which one it is.

    Raises:
        InputError: the path cannot be written, or holds something else or features of other
            images, shapes or attributes.
    """

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        n_regions: int,
        feature_dim: int,
        dtype: str,
        attributes: dict[str, str | int],
    ):
        self.path = Path(path)
        self._image_ids = np.asarray(image_ids, np.int64)
        shape = (len(image_ids), n_regions, feature_dim)
        if not self.path.exists():
            self._create(shape, dtype, attributes)
        self._file = open_hdf5(self.path, FEATURES, "r+")
        try:
            self._check_same(shape, dtype, attributes)
        except InputError:
            self._file.close()
            raise

    def _create(self, shape: tuple[int, int, int], dtype: str, attributes: dict) -> None:
        sizes = dict(zip("NRD", shape, strict=True))
        with atomic_path(self.path) as partial, h5py.File(partial, "w", libver=LIBVER) as file:
            file["image_ids"] = self._image_ids
            file["done"] = np.zeros(shape[0], np.uint8)
            for name in ("checksums", *ROW_DATASETS):
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                # Early: no write of a row changes the file's structure, which a kill could tear.
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                is_feats = name == "visual_feats"
                file.create_dataset(
                    name,
                    FEATURES.shape_of(name, sizes),
                    dtype if is_feats else FEATURES.datasets[name][1],
                    chunks=(1, *shape[1:]) if is_feats else None,
                    dcpl=properties,
                )
            write_attributes(file, FEATURES, False, attributes)

    def _check_same(self, shape: tuple[int, int, int], dtype: str, attributes: dict) -> None:
        with reading_hdf5(self.path, FEATURES):
            feats = self._file["visual_feats"]
            stored = read_attributes(self._file)
            stored = {key: stored.get(key, "") for key in attributes}
            found = _described(self._file["image_ids"][:], feats.shape, feats.dtype, stored)
        different = differences(
            _described(self._image_ids, shape, np.dtype(dtype), attributes), found
        )
        if different:
            raise InputError(
                f"{self.path}: exists, and was made with other {', '.join(different)}; "
                "delete it or choose another --output"
            )

    def __enter__(self) -> "FeaturesWriter":
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()

    def missing_rows(self) -> np.ndarray:
        """Return the rows that are still to be written, ascending, (n_missing,) int64."""
        return np.flatnonzero(self._file["done"][:] == MISSING)

    def skipped_rows(self) -> np.ndarray:
        """Return the rows of the images that were skipped, ascending, (n_skipped,) int64."""
        return np.flatnonzero(self._file["done"][:] == SKIPPED)

    def checksums(self) -> np.ndarray:
        """Return the checksum of each row, (N,) uint32. Rows that are missing hold anything."""
        return self._file["checksums"][:]

    def source_crc32(self) -> np.ndarray:
        """Return the CRC-32 of the image file that each row was made from, (N,) uint32.

        Rows that are missing hold anything.
        """
        return self._file["source_crc32"][:]

    def discard(self, rows: np.ndarray) -> None:
        """Make rows missing again, and the file incomplete before the first of them is."""
        if len(rows) == 0:
            return
        self._file.attrs.modify("complete", np.False_)
        self._file.flush()
        done = self._file["done"][:]
        done[rows] = MISSING
        self._file["done"][:] = done
        self._file.flush()

    def write(self, row: int, **arrays: np.ndarray) -> None:
        """Write one image's row; `arrays` has each name of `ROW_DATASETS`, without the N axis.

        Raises:
            InputError: the disk is full or fails.
        """
        stored = {name: np.asarray(arrays[name], self._file[name].dtype) for name in ROW_DATASETS}
        buffers = (array.tobytes() for array in stored.values())
        self._write(row, stored, checksum(self._image_ids[row], buffers), WRITTEN)

    def skip(self, row: int, source_crc32: int) -> None:
        """Record that an image is damaged and has no features, so that the file can be finished.

        Args:
            source_crc32: of the damaged file, which tells when it is replaced.

        Raises:
            InputError: the disk is full or fails.
        """
        # Zeros, not what a killed write left: files of the same images are then the same.
        stored = {name: np.zeros_like(self._file[name][row]) for name in ROW_DATASETS}
        self._write(row, {**stored, "source_crc32": np.uint32(source_crc32)}, 0, SKIPPED)

    def _write(self, row: int, arrays: dict[str, np.ndarray], total: int, state: int) -> None:
        try:
            for name, array in arrays.items():
                self._file[name][row] = array
            self._file["checksums"][row] = total
            self._file.flush()
            self._file["done"][row] = state
            self._file.flush()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written ({error})") from error

    def finish(self) -> None:
        """Mark the file complete. Raises InputError when a row is missing."""
        missing = self.missing_rows()
        if len(missing):
            raise InputError(
                f"{self.path}: {len(missing)} of {len(self._file['done'])} images are missing"
            )
        self._file.attrs.modify("complete", np.True_)
        self._file.flush()


def _described(
    image_ids: np.ndarray, shape: tuple[int, int, int], dtype: np.dtype, attributes: dict
) -> dict[str, object]:
    """Return what must agree between a file and the arguments that go on with it, by name."""
    return {
        "images": image_ids.tolist(),
        "shape (images, regions, dimensions)": tuple(shape),
        "dtype": dtype.name,
        **flat_attributes(attributes),
    }
