"""The two HDF5 files: region features and encoded images of one split.

`{split}_features.h5`
    image_ids (N,) int64; visual_feats (N, R, D) float32 or float16, one chunk an image;
    visual_pos (N, R, 4) float32, x1 y1 x2 y2 over image width and height, in [0, 1];
    image_sizes (N, 2) int32, height and width; object_ids, attribute_ids (N, R) int32;
    object_scores, attribute_scores (N, R) float32; checksums (N,) uint32, CRC-32 of an image's
    rows in the order of `ROW_DATASETS`; done (N,) uint8.
`{split}_images.h5`
    image_ids (N,) int64; images (N,) variable-length uint8, the source file's own bytes;
    checksums (N,) uint32, CRC-32 of these bytes.
Attributes of both: schema, schema_version, complete; of features also extractor, weights,
weights_sha256, settings (JSON).
"""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np

from preprocess.decoding import decode_rgb
from preprocess.errors import InputError
from preprocess.files import atomic_path

SCHEMA_VERSION = 1
FEATURES, IMAGES = "region_features", "encoded_images"
MADE_BY = {
    FEATURES: "`python -m preprocess.extract_features`",
    IMAGES: "`python -m preprocess.write_images`",
}
ROW_DATASETS = (
    "visual_feats",
    "visual_pos",
    "image_sizes",
    "object_ids",
    "object_scores",
    "attribute_ids",
    "attribute_scores",
)


def _open_hdf5(path: Path, schema: str, mode: str = "r") -> h5py.File:
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


class _SplitHdf5:
    """A complete HDF5 file of one split, read image by image.

    The handle is opened on the first read in each process, so that an instance can be given to
    forked or spawned DataLoader workers: HDF5 handles must not be shared between processes.
    """

    schema: str

    def __init__(self, path: Path):
        self.path = Path(path)
        self._handle: h5py.File | None = None
        self._handle_pid = 0
        with _open_hdf5(self.path, self.schema) as file:
            if not file.attrs["complete"]:
                found = f"{int(file['done'][:].sum())} of {len(file['done'])} images"
                raise InputError(
                    f"{path}: expected a complete file, found {found}; repeat the "
                    f"{MADE_BY[self.schema]} command that began it, and it will be finished"
                )
            self.image_ids: np.ndarray = file["image_ids"][:]
            self.attributes = {key: _native(value) for key, value in file.attrs.items()}
            self._read_shapes(file)
        self._row_of = {int(image_id): row for row, image_id in enumerate(self.image_ids)}

    def _read_shapes(self, file: h5py.File) -> None:
        """Read what a subclass says about its arrays."""

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_handle": None, "_handle_pid": 0}

    @property
    def _file(self) -> h5py.File:
        if self._handle is None or self._handle_pid != os.getpid():
            self._handle = _open_hdf5(self.path, self.schema)
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

    def _check_sum(self, row: int, buffers: Iterable[bytes]) -> None:
        if _crc32(buffers) != self._file["checksums"][row]:
            raise InputError(
                f"{self.path}: the data of image {self.image_ids[row]} do not match their "
                f"checksum (damaged file); delete it and make it again with "
                f"{MADE_BY[self.schema]}"
            )


def _native(value):
    return value.item() if isinstance(value, np.generic) else value


def _crc32(buffers: Iterable[bytes]) -> int:
    checksum = 0
    for buffer in buffers:
        checksum = zlib.crc32(buffer, checksum)
    return checksum


class FeaturesFile(_SplitHdf5):
    """Region features of a split.

    Attributes:
        n_regions, feature_dim: R and D of `visual_feats` (N, R, D).
    """

    schema = FEATURES

    def _read_shapes(self, file: h5py.File) -> None:
        self.n_regions, self.feature_dim = (int(n) for n in file["visual_feats"].shape[1:])

    def read(self, image_id: int) -> dict[str, np.ndarray]:
        """Return an image's rows by dataset name, as in `ROW_DATASETS` and without the N axis.

        Raises:
            InputError: the image is not in the file, or its data are damaged.
        """
        row = self.row_of(image_id)
        try:
            arrays = {name: self._file[name][row] for name in ROW_DATASETS}
        except OSError as error:
            raise InputError(f"{self.path}: image {image_id} cannot be read ({error})") from error
        self._check_sum(row, (array.tobytes() for array in arrays.values()))
        return arrays


class ImagesFile(_SplitHdf5):
    """Encoded images of a split."""

    schema = IMAGES

    def read_encoded(self, image_id: int) -> bytes:
        """Return the source file's own bytes. Raises InputError as `FeaturesFile.read`."""
        row = self.row_of(image_id)
        try:
            encoded = self._file["images"][row].tobytes()
        except OSError as error:
            raise InputError(f"{self.path}: image {image_id} cannot be read ({error})") from error
        self._check_sum(row, (encoded,))
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
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        file["image_ids"] = np.asarray(image_ids, np.int64)
        images = file.create_dataset(
            "images", (len(image_ids),), h5py.vlen_dtype(np.dtype("uint8"))
        )
        checksums = np.zeros(len(image_ids), np.uint32)
        for row, data in zip(range(len(image_ids)), encoded, strict=True):
            images[row] = np.frombuffer(data, np.uint8)
            checksums[row] = zlib.crc32(data)
        file["checksums"] = checksums
        file.attrs.update(schema=IMAGES, schema_version=SCHEMA_VERSION, complete=True)


class FeaturesWriter:
    """Writes a features file, image by image, so that nothing done is lost.

    Every dataset is allocated when the file is created, and a row is marked done only after its
    data were flushed: a process killed at any moment leaves a readable file with `complete` =
    False, and opening the same path with the same arguments goes on with `missing_rows`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        n_regions, feature_dim, dtype: R, D and the type of `visual_feats`.
        attributes: what made the features: extractor, weights, weights_sha256, settings.

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
        attributes: dict[str, str],
    ):
        self.path = Path(path)
        shape = (len(image_ids), n_regions, feature_dim)
        if not self.path.exists():
            self._create(np.asarray(image_ids, np.int64), shape, dtype, attributes)
        self._file = _open_hdf5(self.path, FEATURES, "r+")
        self._check_same(np.asarray(image_ids, np.int64), shape, dtype, attributes)

    def _create(self, image_ids: np.ndarray, shape: tuple, dtype: str, attributes: dict) -> None:
        n_images, n_regions, _ = shape
        layouts = {
            "visual_feats": (shape, dtype),
            "visual_pos": ((n_images, n_regions, 4), "float32"),
            "image_sizes": ((n_images, 2), "int32"),
            "object_ids": ((n_images, n_regions), "int32"),
            "object_scores": ((n_images, n_regions), "float32"),
            "attribute_ids": ((n_images, n_regions), "int32"),
            "attribute_scores": ((n_images, n_regions), "float32"),
            "checksums": ((n_images,), "uint32"),
        }
        with atomic_path(self.path) as partial, h5py.File(partial, "w") as file:
            file["image_ids"] = image_ids
            file["done"] = np.zeros(n_images, np.uint8)
            for name, (dataset_shape, dataset_dtype) in layouts.items():
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                # Early: no write of a row changes the file's structure, which a kill could tear.
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
                properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
                chunks = (1, *dataset_shape[1:]) if name == "visual_feats" else None
                file.create_dataset(
                    name, dataset_shape, dataset_dtype, chunks=chunks, dcpl=properties
                )
            file.attrs.update(
                attributes, schema=FEATURES, schema_version=SCHEMA_VERSION, complete=False
            )

    def _check_same(self, image_ids: np.ndarray, shape: tuple, dtype: str, attributes: dict):
        found = {
            "images": self._file["image_ids"][:].tolist(),
            "shape (images, regions, dimensions)": self._file["visual_feats"].shape,
            "dtype": self._file["visual_feats"].dtype.name,
            **{key: self._file.attrs.get(key) for key in attributes},
        }
        expected = {
            "images": image_ids.tolist(),
            "shape (images, regions, dimensions)": shape,
            "dtype": np.dtype(dtype).name,
            **attributes,
        }
        for key, value in expected.items():
            if found[key] != value:
                self._file.close()
                what = "" if key == "images" else f" {value}, found {found[key]}"
                raise InputError(
                    f"{self.path}: exists, and was made with other {key} (expected{what}); "
                    "delete it or choose another --output"
                )

    def __enter__(self) -> "FeaturesWriter":
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()

    def missing_rows(self) -> np.ndarray:
        """Return the rows that are still to be written, ascending, (n_missing,) int64."""
        return np.flatnonzero(self._file["done"][:] == 0)

    def write(self, row: int, **arrays: np.ndarray) -> None:
        """Write one image's row; `arrays` has each name of `ROW_DATASETS`, without the N axis."""
        stored = {
            name: np.ascontiguousarray(arrays[name], self._file[name].dtype)
            for name in ROW_DATASETS
        }
        for name, array in stored.items():
            self._file[name][row] = array
        self._file["checksums"][row] = _crc32(array.tobytes() for array in stored.values())
        self._file.flush()
        self._file["done"][row] = 1
        self._file.flush()

    def finish(self) -> None:
        """Mark the file complete. Raises InputError when a row is missing."""
        missing = self.missing_rows()
        if len(missing):
            raise InputError(
                f"{self.path}: {len(missing)} of {len(self._file['done'])} images are missing"
            )
        self._file.attrs.modify("complete", np.bool_(True))
        self._file.flush()
