"""`{split}_features.h5`: the region features of a split, R regions of D numbers an image.

image_ids (N,) int64; visual_feats (N, R, D) float32 or float16, one chunk an image;
visual_pos (N, R, 4) float32, x1 y1 x2 y2 over image width and height, in [0, 1];
image_sizes (N, 2) int32, height and width; object_ids, attribute_ids (N, R) int32;
object_scores, attribute_scores (N, R) float32; n_fillers (N,) uint8, how many of an image's last
regions every NMS threshold had suppressed; done (N,) uint8; checksums (N,) uint32, of an image's
rows in the order of `ROW_DATASETS`.
Attributes: those of preprocess/hdf5.py; extractor, weights, weights_sha256, settings (JSON).
"""

from pathlib import Path

import h5py
import numpy as np

from preprocess.errors import InputError
from preprocess.files import atomic_path
from preprocess.hdf5 import FEATURES, SCHEMA_VERSION, SplitHdf5, crc32, open_hdf5

ROW_DATASETS = (
    "visual_feats",
    "visual_pos",
    "image_sizes",
    "object_ids",
    "object_scores",
    "attribute_ids",
    "attribute_scores",
    "n_fillers",
)


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
        try:
            arrays = {name: self.file[name][row] for name in ROW_DATASETS}
        except OSError as error:
            raise InputError(f"{self.path}: image {image_id} cannot be read ({error})") from error
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
        self._file = open_hdf5(self.path, FEATURES, "r+")
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
            "n_fillers": ((n_images,), "uint8"),
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
        stored = {name: np.asarray(arrays[name], self._file[name].dtype) for name in ROW_DATASETS}
        for name, array in stored.items():
            self._file[name][row] = array
        self._file["checksums"][row] = crc32(array.tobytes() for array in stored.values())
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
