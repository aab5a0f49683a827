"""`{split}_features.h5`: the region features of a split, R regions of D numbers an image.

image_ids (N,) int64; visual_feats (N, R, D) float32 or float16, one chunk an image;
visual_pos (N, R, 4) float32, x1 y1 x2 y2 over image width and height, in [0, 1];
image_sizes (N, 2) int32, height and width; object_ids, attribute_ids (N, R) int32;
object_scores, attribute_scores (N, R) float32; n_fillers (N,) int32, how many of an image's last
regions every NMS threshold had suppressed; source_crc32 (N,) uint32, the CRC-32 of the encoded
image file; done (N,) uint8; checksums (N,) uint32, of an image's id and its rows in the order of
`ROW_DATASETS`.
Attributes: those of preprocess/hdf5.py; extractor, weights, weights_sha256, settings (JSON).
"""

import json
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
LONGEST_VALUE = 40  # characters of a setting in an error line


class FeaturesFile(SplitHdf5):
    """Region features of a split.

    Attributes:
        n_regions, feature_dim: R and D of `visual_feats` (N, R, D).
    """

    schema = FEATURES

    def read_shapes(self, file: h5py.File) -> None:
        self.n_regions, self.feature_dim = (int(n) for n in file["visual_feats"].shape[1:])

    def read(self, image_id: int) -> dict[str, np.ndarray]:
        """Return an image's rows by dataset name, as in `ROW_DATASETS` and without the N axis.

        Raises:
            InputError: the image is not in the file, or its data are damaged.
        """
        row = self.row_of(image_id)
        with reading_hdf5(self.path, self.schema):
            arrays = {name: self.file[name][row] for name in ROW_DATASETS}
            self.check_sum(row, (array.tobytes() for array in arrays.values()))
        return arrays


class FeaturesWriter:
    """Writes a features file, image by image, so that nothing done is lost.

    Every dataset is allocated when the file is created, and a row is marked done only after its
    data were flushed: a process killed at any moment leaves a readable file with `complete` =
    False, and opening the same path with the same arguments goes on with `missing_rows`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images of the split in order.
        n_regions, feature_dim, dtype: R, D and the type of `visual_feats`.
        attributes: what made the features: extractor, weights, weights_sha256, and settings, a
            dictionary in JSON.

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
        expected = _described(self._image_ids, shape, np.dtype(dtype), attributes)
        differences = [
            key
            if key == "images"
            else f"{key} (expected {_short(expected.get(key))}, found {_short(found.get(key))})"
            for key in expected | found
            if expected.get(key) != found.get(key)
        ]
        if differences:
            raise InputError(
                f"{self.path}: exists, and was made with other {', '.join(differences)}; "
                "delete it or choose another --output"
            )

    def __enter__(self) -> "FeaturesWriter":
        return self

    def __exit__(self, *exception) -> None:
        self._file.close()

    def missing_rows(self) -> np.ndarray:
        """Return the rows that are still to be written, ascending, (n_missing,) int64."""
        return np.flatnonzero(self._file["done"][:] == 0)

    def source_crc32(self) -> np.ndarray:
        """Return the CRC-32 of the image file that each row was made from, (N,) uint32.

        Rows that are not done hold anything.
        """
        return self._file["source_crc32"][:]

    def discard(self, rows: np.ndarray) -> None:
        """Make rows missing again, and the file incomplete before the first of them is."""
        if len(rows) == 0:
            return
        self._file.attrs.modify("complete", np.False_)
        self._file.flush()
        done = self._file["done"][:]
        done[rows] = 0
        self._file["done"][:] = done
        self._file.flush()

    def write(self, row: int, **arrays: np.ndarray) -> None:
        """Write one image's row; `arrays` has each name of `ROW_DATASETS`, without the N axis.

        Raises:
            InputError: the disk is full or fails.
        """
        stored = {name: np.asarray(arrays[name], self._file[name].dtype) for name in ROW_DATASETS}
        try:
            for name, array in stored.items():
                self._file[name][row] = array
            buffers = (array.tobytes() for array in stored.values())
            self._file["checksums"][row] = checksum(self._image_ids[row], buffers)
            self._file.flush()
            self._file["done"][row] = 1
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
    image_ids: np.ndarray, shape: tuple[int, int, int], dtype: np.dtype, attributes: dict[str, str]
) -> dict[str, object]:
    """Return what must agree between a file and the arguments that go on with it, by name."""
    settings = json.loads(attributes.get("settings") or "{}")
    return {
        "images": image_ids.tolist(),
        "shape (images, regions, dimensions)": tuple(shape),
        "dtype": dtype.name,
        **{key: value for key, value in attributes.items() if key != "settings"},
        **{f"setting {key}": value for key, value in settings.items()},
    }


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."
