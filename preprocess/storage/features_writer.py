"""Writing a features file (preprocess/storage/features_file.py) image by image, resumably."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from preprocess.base.disk_space import reserve_space, writing_hdf5
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path
from preprocess.storage.features_file import FEATURES, MISSING, ROW_DATASETS, SKIPPED, WRITTEN
from preprocess.storage.hdf5 import (
    LIBVER,
    checksum,
    open_hdf5,
    read_attributes,
    reading_hdf5,
    write_attributes,
)
from preprocess.storage.provenance import differences, flat_attributes


class FeaturesWriter:
    """Writes a features file, image by image, so that nothing done is lost.

    The file's whole space is taken when it is created, where the file system can, and a row is
    marked done only after its data were flushed: a process killed at any moment leaves a readable
    file with `complete` = False, and opening the same path with the same arguments goes on with
    `missing_rows`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        n_regions, feature_dim, dtype: R, D and the type of `visual_feats`.
        attributes: what made the features: extractor, weights, weights_sha256, and settings, a
            dictionary in JSON; of a shard, which one it is.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the path holds something
            else or features of other images, shapes or attributes.
    """

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        n_regions: int,
        feature_dim: int,
        dtype: str,
        attributes: Mapping[str, str | int],
    ):
        self.path = Path(path)
        self._image_ids = np.asarray(image_ids, np.int64)
        shape = (len(image_ids), n_regions, feature_dim)
        if not self.path.exists():
            self._create(shape, dtype, attributes)
        self._file = open_hdf5(self.path, FEATURES, "r+")
        try:
            self._check_same(shape, dtype, attributes)
            with reading_hdf5(self.path, FEATURES):
                # Kept open: h5py passes over errors of datasets that are closed as garbage.
                self._datasets = {name: self._file[name] for name in FEATURES.datasets}
        except InputError:
            self._file.close()
            raise

    def _create(self, shape: tuple[int, int, int], dtype: str, attributes: Mapping) -> None:
        sizes = dict(zip("NRD", shape, strict=True))
        types = {name: types for name, (_, types) in FEATURES.datasets.items()}
        types["visual_feats"] = dtype
        shapes = {name: FEATURES.shape_of(name, sizes) for name in types}
        n_bytes = sum(math.prod(shapes[name]) * np.dtype(types[name]).itemsize for name in types)
        with atomic_path(self.path) as partial, writing_hdf5(self.path):
            reserve_space(partial, n_bytes)  # before HDF5, which does not fail in one line
            with h5py.File(partial, "w", libver=LIBVER, locking=False) as file:
                file["image_ids"] = self._image_ids
                file["done"] = np.zeros(shape[0], np.uint8)
                for name in ("checksums", *ROW_DATASETS):
                    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                    # Early: no write of a row changes the file's structure, which a kill could
                    # tear.
                    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                    file.create_dataset(
                        name,
                        shapes[name],
                        types[name],
                        chunks=(1, *shape[1:]) if name == "visual_feats" else None,
                        dcpl=properties,
                    )
                write_attributes(file, FEATURES, False, attributes)
            reserve_space(partial, partial.stat().st_size)

    def _check_same(self, shape: tuple[int, int, int], dtype: str, attributes: Mapping) -> None:
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

    def __exit__(self, kind: type[BaseException] | None, *exception) -> None:
        try:
            with writing_hdf5(self.path):
                self._file.close()
        except InputError:
            if kind is None:  # otherwise the first error is the one to be told
                raise

    def missing_rows(self) -> np.ndarray:
        """Return the rows that are still to be written, ascending, (n_missing,) int64."""
        return np.flatnonzero(self._datasets["done"][:] == MISSING)

    def skipped_rows(self) -> np.ndarray:
        """Return the rows of the images that were skipped, ascending, (n_skipped,) int64."""
        return np.flatnonzero(self._datasets["done"][:] == SKIPPED)

    def checksums(self) -> np.ndarray:
        """Return the checksum of each row, (N,) uint32. Rows that are missing hold anything."""
        return self._datasets["checksums"][:]

    def source_crc32(self) -> np.ndarray:
        """Return the CRC-32 of the image file that each row was made from, (N,) uint32.

        Rows that are missing hold anything.
        """
        return self._datasets["source_crc32"][:]

    def discard_damaged(self, verify: bool = False) -> int:
        """Make rows missing that are not what was written: a power cut can mark them done alone.

        Looks at the rows that are done in a file that an interrupted run left, and in a complete
        one only where it is asked to `verify`; 34 GB take some minutes. Returns how many there are.
        """
        if self._file.attrs["complete"] and not verify:
            return 0
        done = np.flatnonzero(self._datasets["done"][:] == WRITTEN)
        rows = tqdm(done, f"{self.path.name}: verified", unit="image", disable=not len(done))
        damaged = [row for row in rows if not self._is_as_written(row)]
        self.discard(np.array(damaged, np.int64))
        return len(damaged)

    def _is_as_written(self, row: int) -> bool:
        with reading_hdf5(self.path, FEATURES):
            arrays = (self._datasets[name][row] for name in ROW_DATASETS)
            found = checksum(self._image_ids[row], (np.asarray(a).tobytes() for a in arrays))
            return found == self._datasets["checksums"][row]

    def discard(self, rows: np.ndarray) -> None:
        """Make rows missing again, and the file incomplete before the first of them is."""
        if len(rows) == 0:
            return
        with writing_hdf5(self.path):
            self._file.attrs.modify("complete", np.False_)
            self._file.flush()
            done = self._datasets["done"][:]
            done[rows] = MISSING
            self._datasets["done"][:] = done
            self._file.flush()

    def write(self, row: int, **arrays: ArrayLike) -> None:
        """Write one image's row; `arrays` has each name of `ROW_DATASETS`, without the N axis.

        A row that is done is made missing before it is written anew.

        Raises:
            InputError: features are not finite in the file's type; the disk is full or fails.
        """
        with np.errstate(over="ignore"):  # it is told below
            stored = {
                name: np.asarray(arrays[name], self._datasets[name].dtype) for name in ROW_DATASETS
            }
        feats = stored["visual_feats"]
        if not np.isfinite(feats).all():
            advice = "; choose --dtype float32 and another --output" * (feats.dtype != np.float32)
            raise InputError(
                f"{self.path}: the features of image {self._image_ids[row]} are infinite or NaN "
                f"in {feats.dtype.name}{advice}"
            )
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
        stored = {name: np.zeros_like(self._datasets[name][row]) for name in ROW_DATASETS}
        self._write(row, {**stored, "source_crc32": np.uint32(source_crc32)}, 0, SKIPPED)

    def _write(self, row: int, arrays: Mapping[str, ArrayLike], total: int, state: int) -> None:
        if self._datasets["done"][row] != MISSING:
            self.discard(np.array([row]))
        with writing_hdf5(self.path):
            for name, array in arrays.items():
                self._datasets[name][row] = array
            self._datasets["checksums"][row] = total
            self._file.flush()
            self._datasets["done"][row] = state
            self._file.flush()

    def finish(self) -> None:
        """Mark the file complete, once its rows are on the disk.

        Raises:
            InputError: a row is missing; the disk is full or fails.
        """
        missing = self.missing_rows()
        if len(missing):
            raise InputError(
                f"{self.path}: {len(missing)} of {len(self._image_ids)} images are missing"
            )
        with writing_hdf5(self.path):
            self._file.flush()
            os.fsync(self._file.id.get_vfd_handle())
            self._file.attrs.modify("complete", np.True_)
            self._file.flush()


def _described(
    image_ids: np.ndarray, shape: tuple[int, int, int], dtype: np.dtype, attributes: Mapping
) -> dict[str, object]:
    """Return what must agree between a file and the arguments that go on with it, by name."""
    return {
        "images": image_ids.tolist(),
        "shape (images, regions, dimensions)": tuple(shape),
        "dtype": dtype.name,
        **flat_attributes(attributes),
    }
