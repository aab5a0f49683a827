"""Writing an HDF5 file of a split image by image, resumably: what all such files have in common.

Beside the datasets of preprocess/storage/hdf5.py such a file has done (N,) uint8, `WRITTEN` of an
image whose rows are written, `MISSING` of one whose rows are not.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

import h5py
import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from preprocess.base.disk_space import reserve_space, writing_hdf5
from preprocess.base.errors import InputError
from preprocess.base.files import atomic_path
from preprocess.storage.hdf5 import (
    LIBVER,
    MISSING,
    WRITTEN,
    Schema,
    checksum,
    open_hdf5,
    read_attributes,
    reading_hdf5,
    write_attributes,
)
from preprocess.storage.provenance import differences, flat_attributes
from preprocess.storage.source_ids import read_source_ids, write_source_ids

KEPT_BY_WRITER = ("image_ids", "done", "checksums")


class RowsWriter:
    """Writes a file, image by image, so that nothing done is lost.

    The file's whole space is taken when it is created, where the file system can, and a row is
    marked done only after its data were flushed: a process killed at any moment leaves a readable
    file with `complete` = False, and opening the same path with the same arguments goes on with
    `missing_rows`.

    A subclass says which file:
        schema: its datasets; those but `KEPT_BY_WRITER` are an image's, and its checksum is over
            them in their order.
        numbers: the dataset that holds what was computed, floats of a type that is chosen.
        what: those numbers in words, for error lines.
        axes: the axes of `numbers` in words.
        chunked: whether each image's `numbers` are a chunk of their own.
        older: attributes that files of earlier versions lack, and what they would have.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        shape: of `numbers`, without N.
        dtype: of `numbers`.
        attributes: what made the numbers, and `settings`, a dictionary in JSON.
        source_ids: what the split's source calls the images, as in preprocess/storage/hdf5.py.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the path holds something
            else, or numbers of other images, shapes or attributes.
    """

    schema: Schema
    numbers: str
    what: str
    axes: str
    chunked: bool
    older: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        shape: Sequence[int],
        dtype: str,
        attributes: Mapping[str, str | int],
        source_ids: Sequence[str | None] | None = None,
    ):
        self.path = Path(path)
        self._image_ids = np.asarray(image_ids, np.int64)
        self._source_ids = [*source_ids] if source_ids and any(source_ids) else None
        self._rows = [name for name in self.schema.datasets if name not in KEPT_BY_WRITER]
        whole_shape = (len(image_ids), *shape)
        if not self.path.exists():
            self._create(whole_shape, dtype, attributes)
        self._file = open_hdf5(self.path, self.schema, "r+")
        try:
            self._check_same(whole_shape, dtype, attributes)
            with reading_hdf5(self.path, self.schema):
                # Kept open: h5py passes over errors of datasets that are closed as garbage.
                self._datasets = {name: self._file[name] for name in self.schema.datasets}
        except InputError:
            self._file.close()
            raise

    def _create(self, shape: tuple[int, ...], dtype: str, attributes: Mapping) -> None:
        letters = self.schema.axes_of(self.numbers, len(shape))
        sizes = dict(zip(letters, shape, strict=True))
        types = {name: types for name, (_, types) in self.schema.datasets.items()}
        types[self.numbers] = dtype
        shapes = {name: self.schema.shape_of(name, sizes) for name in types}
        shapes[self.numbers] = shape
        n_bytes = sum(math.prod(shapes[name]) * np.dtype(types[name]).itemsize for name in types)
        with atomic_path(self.path) as partial, writing_hdf5(self.path):
            reserve_space(partial, n_bytes)  # before HDF5, which does not fail in one line
            with h5py.File(partial, "w", libver=LIBVER, locking=False) as file:
                file["image_ids"] = self._image_ids
                file["done"] = np.zeros(shape[0], np.uint8)
                for name in ("checksums", *self._rows):
                    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                    # Early: no write of a row changes the file's structure, which a kill could
                    # tear.
                    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                    file.create_dataset(
                        name,
                        shapes[name],
                        types[name],
                        chunks=(1, *shape[1:]) if self.chunked and name == self.numbers else None,
                        dcpl=properties,
                    )
                write_source_ids(file, self._source_ids)
                write_attributes(file, self.schema, False, attributes)
            reserve_space(partial, partial.stat().st_size)

    def _check_same(self, shape: tuple[int, ...], dtype: str, attributes: Mapping) -> None:
        with reading_hdf5(self.path, self.schema):
            numbers = self._file[self.numbers]
            stored = read_attributes(self._file)
            stored = {key: stored.get(key, self.older.get(key, "")) for key in attributes}
            names = read_source_ids(self._file)
            found = self._described(
                self._file["image_ids"][:], numbers.shape, numbers.dtype, stored
            )
        different = differences(
            self._described(self._image_ids, shape, np.dtype(dtype), attributes), found
        )
        if names and self._source_ids and names != self._source_ids and not different:
            different = ["images"]  # by the same ids, as those of every split are
        if different:
            raise InputError(
                f"{self.path}: exists, and was made with other {', '.join(different)}; "
                "delete it or choose another --output"
            )

    def _described(
        self, image_ids: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, attributes: Mapping
    ) -> dict[str, object]:
        """Return what must agree between a file and the arguments that go on with it, by name."""
        return {
            "images": image_ids.tolist(),
            f"shape ({self.axes})": tuple(shape),
            "dtype": dtype.name,
            **flat_attributes(attributes),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception) -> None:
        try:
            with writing_hdf5(self.path):
                self._file.close()
        except InputError:
            if kind is None:  # otherwise the first error is the one to be told
                raise

    @property
    def is_complete(self) -> bool:
        """Whether the file is marked complete."""
        return bool(self._file.attrs["complete"])

    def missing_rows(self) -> np.ndarray:
        """Return the rows that are still to be written, ascending, (n_missing,) int64."""
        return np.flatnonzero(self._datasets["done"][:] == MISSING)

    def checksums(self) -> np.ndarray:
        """Return the checksum of each row, (N,) uint32. Rows that are missing hold anything."""
        return self._datasets["checksums"][:]

    def discard_damaged(self, verify: bool = False) -> int:
        """Make rows missing that are not what was written: a power cut can mark them done alone.

        Looks at the rows that are done in a file that an interrupted run left, and in a complete
        one only where it is asked to `verify`; 34 GB take some minutes. Returns how many there are.
        """
        if self.is_complete and not verify:
            return 0
        done = np.flatnonzero(self._datasets["done"][:] == WRITTEN)
        rows = tqdm(done, f"{self.path.name}: verified", unit="image", disable=not len(done))
        damaged = [row for row in rows if not self._is_as_written(row)]
        self.discard(np.array(damaged, np.int64))
        return len(damaged)

    def _is_as_written(self, row: int) -> bool:
        with reading_hdf5(self.path, self.schema):
            arrays = (self._datasets[name][row] for name in self._rows)
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
        """Write one image's row; `arrays` has each dataset of an image, without the N axis.

        A row that is done is made missing before it is written anew.

        Raises:
            InputError: the numbers are not finite in the file's type; the disk is full or fails.
        """
        with np.errstate(over="ignore"):  # it is told below
            stored = {
                name: np.asarray(arrays[name], self._datasets[name].dtype) for name in self._rows
            }
        numbers = stored[self.numbers]
        if not np.isfinite(numbers).all():
            advice = "; choose --dtype float32 and another --output" * (numbers.dtype != np.float32)
            raise InputError(
                f"{self.path}: the {self.what} of image {self._image_ids[row]} are infinite or NaN "
                f"in {numbers.dtype.name}{advice}"
            )
        buffers = (array.tobytes() for array in stored.values())
        self._write(row, stored, checksum(self._image_ids[row], buffers), WRITTEN)

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
