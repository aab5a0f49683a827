"""What the HDF5 files of a split have in common: opening, checking, and reading in workers.

Each file has the attributes schema, schema_version and complete, and the datasets image_ids (N,)
int64 and checksums (N,) uint32, the CRC-32 of each image's id and data. Where the split's source
has names for ids there is also source_ids (N,) (preprocess/storage/source_ids.py).
"""

import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.file_lock import UNSUPPORTED, say_that_there_are_no_locks
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.captions.split_file import Split
from preprocess.storage.source_ids import check_same_names, read_source_ids

# The oldest format whose metadata have checksums, without which HDF5 follows changed addresses, and
# may crash; the next one's marks a file that a killed process was writing as not to be opened.
LIBVER = ("v108", "v108")
MISSING, WRITTEN, SKIPPED = 0, 1, 2  # in `done`, of files that are written image by image
LONGEST_FOUND = 100  # characters of what an error line says was found
# What h5py raises on changed bytes, depending on where they are.
DAMAGE = (OSError, LookupError, RuntimeError, TypeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True)
class Schema:
    """A kind of file.

    `datasets` maps a name to its axes and type, such as ("N R 4", "float32"): a letter stands for
    one size throughout the file; both may have alternatives, "N D or N T D". `made_by` is the
    command that writes such files. A file of another `version` is refused.
    """

    name: str
    made_by: str
    datasets: dict[str, tuple[str, str]]
    version: int = 1

    def axes_of(self, name: str, n_axes: int | None = None) -> list[str]:
        """Return a dataset's axes; of alternatives the one of so many axes, or else the first."""
        alternatives = [axes.split() for axes in self.datasets[name][0].split(" or ")]
        return next((axes for axes in alternatives if len(axes) == n_axes), alternatives[0])

    def shape_of(
        self, name: str, sizes: dict[str, int], n_axes: int | None = None
    ) -> tuple[int, ...]:
        axes = self.axes_of(name, n_axes)
        return tuple(int(axis) if axis.isdecimal() else sizes[axis] for axis in axes)


@contextmanager
def reading_hdf5(path: Path, schema: Schema, mode: str = "r") -> Iterator[None]:
    """Raise what h5py raises as InputError, which tells damage from a file in use and the like."""
    try:
        yield
    except DAMAGE as error:
        if getattr(error, "errno", None) in (errno.EAGAIN, errno.EWOULDBLOCK):
            use = "written" if mode == "r" else "used"
            line = f"{path}: is being {use} by another process; wait until that ends"
        elif reason := lack_of_machine(error):
            verb = "read" if mode == "r" else "written"
            raise UnreadableError(f"{path}: cannot be {verb} ({reason})") from error
        else:
            line = (
                f"{path}: expected an HDF5 file, found a damaged or truncated one ({error}); "
                f"delete it and make it again with {schema.made_by}"
            )
        raise InputError(line) from error


def open_hdf5(path: Path, schema: Schema, mode: str = "r") -> h5py.File:
    """Open a file and check that it is of this schema.

    Raises:
        InputError: the file is missing, in use, not permitted, damaged, or of another layout.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; make it with {schema.made_by}")
    check_no_pointer(path)
    with reading_hdf5(path, schema, mode):
        file = _locked_if_possible(partial(_OPEN[mode], path))
        try:
            check_layout(file, schema)
        except BaseException:
            file.close()
            raise
    return file


def _locked_if_possible(open_file: Callable[[bool], h5py.File]) -> h5py.File:
    """Open a file with HDF5's lock, so that nobody writes what another reads.

    Without it where the file system has no locks (NFS without a lock daemon): HDF5 would not open
    the file at all. A writer is told of that, once.
    """
    try:
        return open_file(True)
    except OSError as error:
        if error.errno not in UNSUPPORTED or "lock" not in str(error):
            raise
    return open_file(False)


def _open_to_read(path: Path, locking: bool) -> h5py.File:
    return h5py.File(path, "r", locking=locking)


def _open_uncached(path: Path, locking: bool) -> h5py.File:
    """Open a file for writing, so that data that the disk has no room for are refused at once.

    In HDF5's caches, they would fail the closing of the file, in which HDF5 2.0 then crashes.
    """
    plan = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    plan.set_fclose_degree(h5py.h5f.CLOSE_STRONG)  # as h5py.File has it
    plan.set_cache(0, 1, 0, 1.0)  # of chunks: no slot more than it must have, no byte
    plan.set_sieve_buf_size(0)
    plan.set_file_locking(locking, False)
    if not locking:
        say_that_there_are_no_locks()
    return h5py.File(h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDWR, plan))


_OPEN = {"r": _open_to_read, "r+": _open_uncached}


def write_attributes(
    file: h5py.File, schema: Schema, complete: bool, attributes: Mapping[str, str | int]
) -> None:
    """Write the schema's attributes and others; `read_attributes` reads them."""
    given = {**attributes, "schema": schema.name}
    numbers = {key: value for key, value in given.items() if isinstance(value, int)}
    texts = {key: value for key, value in given.items() if isinstance(value, str)}
    for key, text in texts.items():
        # Of fixed length: the others are in HDF5's global heap, where a changed byte may make it
        # search without end.
        length = max(1, len(text.encode()))
        file.attrs.create(key, text.encode(), dtype=h5py.string_dtype("utf-8", length))
    file.attrs.update(numbers, schema_version=schema.version, complete=np.bool_(complete))


def read_attributes(file: h5py.File) -> dict[str, Any]:
    """Return the attributes as str, int and bool; arrays, which none should be, as they are."""
    natives = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in file.attrs.items()
    }
    return {k: v.decode() if isinstance(v, bytes) else v for k, v in natives.items()}


def check_layout(file: h5py.File, schema: Schema) -> None:
    """Raise InputError unless the file has the attributes and datasets of the schema."""

    def check(what: str, expected: str, found: object) -> None:
        found = "none" if found is None else str(found)
        if found != expected:
            raise InputError(
                f"{file.filename}: expected {what} {expected}, found {found[:LONGEST_FOUND]}; "
                f"move it away and make it with {schema.made_by}"
            )

    attributes = read_attributes(file)
    name, version = (attributes.get(key) for key in ("schema", "schema_version"))
    found = None if name is None else f"{name} version {version}"
    check("schema", f"{schema.name} version {schema.version}", found)
    complete = attributes.get("complete")
    check(
        "attribute complete to be",
        "bool",
        complete if complete is None else type(complete).__name__,
    )
    sizes: dict[str, int] = {}
    for name, (axes, dtypes) in schema.datasets.items():
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            check("dataset", name, None)
        n_axes = len(dataset.shape)
        for axis, size in zip(schema.axes_of(name, n_axes), dataset.shape, strict=False):
            sizes.setdefault(axis, size)
        expected = str(schema.shape_of(name, sizes, n_axes))
        check(f"{name} ({axes}) of shape", expected, dataset.shape)
        found = _type_name(dataset.dtype)
        check(f"{name} of type", found if found in dtypes.split(" or ") else dtypes, found)


def _type_name(dtype: np.dtype) -> str:
    return dtype.name if dtype.isnative else f"byte-swapped {dtype.name}"


class SplitHdf5:
    """A complete HDF5 file of one split, read image by image.

    `source_ids` are what the split's source calls the images; None where the file does not tell.

    The handle is opened on the first read in each process, so that an instance can be given to
    forked or spawned DataLoader workers: HDF5 handles must not be shared between processes.
    """

    schema: Schema

    def __init__(self, path: Path):
        self.path = Path(path)
        self._datasets: dict[str, h5py.Dataset] = {}
        self._datasets_pid = 0
        with reading_hdf5(self.path, self.schema), open_hdf5(self.path, self.schema) as file:
            self.attributes = read_attributes(file)
            if not self.attributes["complete"]:
                found = f"{np.count_nonzero(file['done'][:])} of {len(file['done'])} images"
                raise InputError(
                    f"{path}: expected a complete file, found {found}; repeat the "
                    f"{self.schema.made_by} command that began it, and it will be finished"
                )
            self.image_ids: np.ndarray = file["image_ids"][:]
            self.checksums: np.ndarray = file["checksums"][:]
            self.source_ids = read_source_ids(file)
            self.read_shapes(file)
        self._row_of = {int(image_id): row for row, image_id in enumerate(self.image_ids)}
        if len(self._row_of) != len(self.image_ids):
            raise InputError(
                f"{self.path}: expected {len(self.image_ids)} different image ids, found "
                f"{len(self._row_of)} (damaged file); make it again with {self.schema.made_by}"
            )

    def read_shapes(self, file: h5py.File) -> None:
        """Read what a subclass says about its arrays."""

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_datasets": {}, "_datasets_pid": 0}

    @property
    def datasets(self) -> dict[str, h5py.Dataset]:
        """The file's datasets by name; they keep it open."""
        if self._datasets_pid != os.getpid():
            file = open_hdf5(self.path, self.schema)
            self._datasets = {name: file[name] for name in self.schema.datasets}
            self._datasets_pid = os.getpid()
        return self._datasets

    def sha256(self) -> str:
        """Return what identifies the data: the SHA-256 of the rows' checksums, in hex."""
        return hashlib.sha256(self.checksums.tobytes()).hexdigest()

    def row_of(self, image_id: int) -> int:
        """Return the row of an image. Raises InputError when the file does not have it."""
        try:
            return self._row_of[int(image_id)]
        except KeyError:
            raise InputError(
                f"{self.path}: image {image_id} is not in the file, which was made from another "
                f"split file; make it again with {self.schema.made_by}"
            ) from None

    def check_covers(self, image_ids: Iterable[int]) -> None:
        """Raise InputError unless every image is in the file."""
        for image_id in image_ids:
            self.row_of(image_id)

    def check_names(self, split: Split) -> None:
        """Raise InputError where an image of a split is another one in the file, by its name."""
        names = self.source_ids
        if names is not None:
            of_images = {image_id: names[row] for image_id, row in self._row_of.items()}
            check_same_names(self.path, of_images, split, self.schema.made_by)

    def check_split(self, split: Split) -> None:
        """Raise InputError unless every image of a split is in the file, by the same name."""
        self.check_covers(split.image_ids)
        self.check_names(split)

    def check_sum(self, row: int, buffers: Iterable[bytes | np.ndarray]) -> None:
        if checksum(self.image_ids[row], buffers) != self.checksums[row]:
            raise InputError(
                f"{self.path}: the data of image {self.image_ids[row]} do not match their "
                "checksum (damaged file); repeat the command that made the file with --verify, "
                f"which makes such images again ({self.schema.made_by})"
            )


def checksum(image_id: int, buffers: Iterable[bytes | np.ndarray]) -> int:
    """Return the CRC-32 of an image's id, as int64, and data: exchanged rows do not pass."""
    total = zlib.crc32(np.int64(image_id).tobytes())
    for buffer in buffers:
        # NumPy says that its arrays are buffers from Python 3.12 on only.
        total = zlib.crc32(buffer, total)  # type: ignore[arg-type]
    return total
