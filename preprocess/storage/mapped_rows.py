"""Rows of HDF5 datasets through a memory map: HDF5 only says where in the file they are."""

import math
from pathlib import Path

import h5py
import numpy as np


class MappedRows:
    """Copies rows of datasets out of a mapped file, in any process that inherits it.

    Args:
        path: the file, which must not change while it is mapped.
        datasets: by name, as `can_map` tells.

    Raises:
        ValueError: a row is not inside the file.
    """

    def __init__(self, path: Path, datasets: dict[str, h5py.Dataset]):
        self._bytes = np.memmap(path, np.uint8, "r")
        self._places = {
            name: (_row_offsets(dataset), dataset.shape[1:], dataset.dtype)
            for name, dataset in datasets.items()
        }
        for name, (offsets, shape, dtype) in self._places.items():
            last = len(self._bytes) - dtype.itemsize * math.prod(shape)
            if len(offsets) and not 0 <= offsets.min() <= offsets.max() <= last:
                raise ValueError(f"{name} is not inside the file")

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str, row: int) -> np.ndarray:
        """Return a row of a dataset."""
        offsets, shape, dtype = self._places[name]
        return np.ndarray(shape, dtype, self._bytes, offsets[row]).copy()


def can_map(dataset: h5py.Dataset) -> bool:
    """Tell whether each row's bytes are in the file as they are, one after another."""
    plan = dataset.id.get_create_plist()
    whole_rows = dataset.chunks in (None, (1, *dataset.shape[1:]))
    return whole_rows and plan.get_nfilters() == 0 and plan.get_external_count() == 0


def _row_offsets(dataset: h5py.Dataset) -> np.ndarray:
    """Return where in the file each row begins, (n_rows,) int64 bytes."""
    n_rows, row_bytes = len(dataset), dataset.nbytes // max(1, len(dataset))
    if dataset.chunks is None:
        return dataset.id.get_offset() + row_bytes * np.arange(n_rows)
    offsets = np.zeros(n_rows, np.int64)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        offsets[chunk.chunk_offset[0]] = chunk.byte_offset

    dataset.id.chunk_iter(note)
    return offsets
