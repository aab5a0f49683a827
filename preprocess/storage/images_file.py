"""`{split}_images.h5`: the images of a split, as the bytes of their own files.

image_ids (N,) int64; image_bytes (B,) uint8, the files one after another; offsets (N + 1,) int64,
where in image_bytes each begins, and the end; checksums (N,) uint32
attributes: those of preprocess/storage/hdf5.py

One array of bytes instead of HDF5's variable-length data, as in version 1: those lie in its global
heap, which has no checksums, and where a changed byte may make it crash or search without end.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py
import numpy as np
from tqdm import tqdm

from preprocess.base.disk_space import reserve_space, writing_hdf5
from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.files import atomic_path
from preprocess.captions.image_info import ImageList
from preprocess.captions.split_file import Split
from preprocess.storage.decoding import decode_rgb, size_of
from preprocess.storage.hdf5 import (
    LIBVER,
    Schema,
    SplitHdf5,
    checksum,
    reading_hdf5,
    write_attributes,
)
from preprocess.storage.source_ids import write_source_ids

IMAGES = Schema(
    "encoded_images",
    "`python -m preprocess.write_images`",
    {
        "image_ids": ("N", "int64"),
        "image_bytes": ("B", "uint8"),
        "offsets": ("N+1", "int64"),
        "checksums": ("N", "uint32"),
    },
    version=2,
)


class ImagesFile(SplitHdf5):
    """Encoded images of a split."""

    schema = IMAGES

    def read_shapes(self, file: h5py.File) -> None:
        self._offsets: np.ndarray = file["offsets"][:]
        n_images, n_bytes = len(self.image_ids), len(file["image_bytes"])
        ends = self._offsets[[0, -1]].tolist() if len(self._offsets) == n_images + 1 else None
        if ends != [0, n_bytes] or (np.diff(self._offsets) < 0).any():
            raise InputError(
                f"{self.path}: expected {n_images + 1} ascending offsets from 0 to {n_bytes}, "
                f"found others (damaged file); make it again with {self.schema.made_by}"
            )

    @property
    def sizes(self) -> np.ndarray:
        """(N,) int64: how many bytes each image has."""
        return np.diff(self._offsets)

    def read_encoded(self, image_id: int) -> bytes:
        """Return the source file's own bytes. Raises InputError as `FeaturesFile.read`."""
        row = self.row_of(image_id)
        start, end = self._offsets[row : row + 2].tolist()
        with reading_hdf5(self.path, self.schema):
            encoded = self.datasets["image_bytes"][start:end].tobytes()
            self.check_sum(row, (encoded,))
        return encoded

    def is_whole(self) -> bool:
        """Whether all images match their checksums; reads the whole file."""
        try:
            for image_id in tqdm(self.image_ids, f"{self.path.name}: verified", unit="image"):
                self.read_encoded(image_id)
        except UnreadableError:
            raise
        except InputError:
            return False
        return True

    def read(self, image_id: int) -> np.ndarray:
        """Return the image as (height, width, 3) uint8 RGB. Raises InputError likewise."""
        return decode_rgb(self.read_encoded(image_id), f"{self.path}, image {image_id}")


def has_images(path: Path, split: Split | ImageList, image_root: Path) -> bool:
    """Whether an images file is there that needs not be written anew.

    A fast look: the file opens (complete, not cut), has exactly the images of the split in their
    order, by their names if it has names, and each in as many bytes as the image's file has by now.
    The bytes themselves are not read: not noticed is an image file replaced by another of its size,
    nor damage within the HDF5 file, which its checksums tell when it is read.

    False where an image file is not there.

    Raises:
        UnreadableError: the file may be whole, and this machine cannot read it now.
    """
    try:
        found = ImagesFile(path)
        sizes = [size_of(image_root / image.file_name) for image in split.images]
    except UnreadableError:
        raise
    except InputError:
        return False
    return (
        np.array_equal(found.image_ids, split.image_ids)
        and found.source_ids in (None, split.source_ids)
        and np.array_equal(found.sizes, sizes)
    )


def write_images_file(
    path: Path,
    image_ids: np.ndarray,
    encoded: Iterable[bytes],
    n_bytes: int | None = None,
    source_ids: Sequence[str | None] | None = None,
) -> None:
    """Write an images file, atomically: killed or failing, `path` is not touched.

    Args:
        image_ids: (N,) integer.
        encoded: N images as the bytes of their files, in that order.
        n_bytes: how many they are together; None where `encoded` is a list, which tells.
        source_ids: what the split's source calls the images, as in preprocess/storage/hdf5.py.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the images have another
            number of bytes than `n_bytes`.
    """
    if n_bytes is None:
        encoded = list(encoded)
        n_bytes = sum(map(len, encoded))
    offsets = np.zeros(len(image_ids) + 1, np.int64)
    checksums = np.zeros(len(image_ids), np.uint32)
    with atomic_path(path) as partial, writing_hdf5(path):
        places = _lay_out(partial, np.asarray(image_ids, np.int64), n_bytes, source_ids)
        # Not by HDF5: when the disk fills up, it fails in closing the file, and may crash.
        with partial.open("r+b") as file:
            file.seek(places["image_bytes"])
            for row, data in zip(range(len(image_ids)), encoded, strict=True):
                offsets[row + 1] = offsets[row] + len(data)
                checksums[row] = checksum(image_ids[row], (data,))
                _check_size(path, offsets[row + 1] <= n_bytes)
                file.write(data)
            _check_size(path, offsets[-1] == n_bytes)
            for name, array in (("offsets", offsets), ("checksums", checksums)):
                file.seek(places[name])
                file.write(array.tobytes())


def _check_size(path: Path, is_as_told: bool) -> None:
    if not is_as_told:
        raise InputError(
            f"{path}: not written: an image file changed its size meanwhile; repeat the command"
        )


def _lay_out(
    path: Path, image_ids: np.ndarray, n_bytes: int, source_ids: Sequence[str | None] | None
) -> dict[str, int]:
    """Make the file but for what its arrays hold; return where in it each of them begins."""
    sizes = {"N": len(image_ids), "N+1": len(image_ids) + 1, "B": n_bytes}
    reserve_space(path, n_bytes)  # before HDF5, which does not fail in one line
    with h5py.File(path, "w", libver=LIBVER, locking=False) as file:
        for name, (_, dtype) in IMAGES.datasets.items():
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            file.create_dataset(name, IMAGES.shape_of(name, sizes), dtype, dcpl=properties)
        file["image_ids"][:] = image_ids
        write_source_ids(file, source_ids)
        write_attributes(file, IMAGES, True, {})
        places = {name: file[name].id.get_offset() for name in IMAGES.datasets}
    reserve_space(path, path.stat().st_size)
    return places
