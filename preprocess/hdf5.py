"""What the HDF5 files of a split have in common: opening, checking, and reading in workers.

Each file has the attributes schema, schema_version and complete, and the datasets image_ids (N,)
int64 and checksums (N,) uint32, the CRC-32 of each image's data.
"""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from preprocess.errors import InputError

SCHEMA_VERSION = 1
FEATURES, IMAGES = "region_features", "encoded_images"
MADE_BY = {
    FEATURES: "`python -m preprocess.extract_features`",
    IMAGES: "`python -m preprocess.write_images`",
}


def open_hdf5(path: Path, schema: str, mode: str = "r") -> h5py.File:
    """Open and check that it is an HDF5 file of this schema. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with {MADE_BY[schema]}")
    try:
        file = h5py.File(path, mode)
    except OSError as error:
        raise InputError(
            f"{path}: expected an HDF5 file, found a damaged or truncated one ({error}); "
            f"delete it and make it again with {MADE_BY[schema]}"
        ) from error
    found = file.attrs.get("schema"), file.attrs.get("schema_version")
    if found != (schema, SCHEMA_VERSION):
        file.close()
        expected = f"{schema} version {SCHEMA_VERSION}"
        what = "none" if found[0] is None else f"{found[0]} version {found[1]}"
        raise InputError(
            f"{path}: expected schema {expected}, found {what}; make it with {MADE_BY[schema]}"
        )
    return file


class SplitHdf5:
    """A complete HDF5 file of one split, read image by image.

    The handle is opened on the first read in each process, so that an instance can be given to
    forked or spawned DataLoader workers: HDF5 handles must not be shared between processes.
    """

    schema: str

    def __init__(self, path: Path):
        self.path = Path(path)
        self._handle: h5py.File | None = None
        self._handle_pid = 0
        with open_hdf5(self.path, self.schema) as file:
            if not file.attrs["complete"]:
                found = f"{int(file['done'][:].sum())} of {len(file['done'])} images"
                raise InputError(
                    f"{path}: expected a complete file, found {found}; repeat the "
                    f"{MADE_BY[self.schema]} command that began it, and it will be finished"
                )
            self.image_ids: np.ndarray = file["image_ids"][:]
            self.attributes = {key: _native(value) for key, value in file.attrs.items()}
            self.read_shapes(file)
        self._row_of = {int(image_id): row for row, image_id in enumerate(self.image_ids)}

    def read_shapes(self, file: h5py.File) -> None:
        """Read what a subclass says about its arrays."""

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_handle": None, "_handle_pid": 0}

    @property
    def file(self) -> h5py.File:
        if self._handle is None or self._handle_pid != os.getpid():
            self._handle = open_hdf5(self.path, self.schema)
            self._handle_pid = os.getpid()
        return self._handle

    def row_of(self, image_id: int) -> int:
        """Return the row of an image. Raises InputError when the file does not have it."""
        try:
            return self._row_of[int(image_id)]
        except KeyError:
            raise InputError(
                f"{self.path}: image {image_id} is not in the file, which was made from another "
                f"split file; make it again with {MADE_BY[self.schema]}"
            ) from None

    def check_covers(self, image_ids: Iterable[int]) -> None:
        """Raise InputError unless every image is in the file."""
        for image_id in image_ids:
            self.row_of(image_id)

    def check_sum(self, row: int, buffers: Iterable[bytes]) -> None:
        if crc32(buffers) != self.file["checksums"][row]:
            raise InputError(
                f"{self.path}: the data of image {self.image_ids[row]} do not match their "
                f"checksum (damaged file); delete it and make it again with "
                f"{MADE_BY[self.schema]}"
            )


def _native(value):
    return value.item() if isinstance(value, np.generic) else value


def crc32(buffers: Iterable[bytes]) -> int:
    checksum = 0
    for buffer in buffers:
        checksum = zlib.crc32(buffer, checksum)
    return checksum
