"""Files of other people's region features, read image by image: TSV, folders of .npz, HDF5.

What their parts are called, and who wrote them, is in region_layouts.py. Nothing here
holds more than one image in memory.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from preprocess.base.errors import InputError, lack_of_machine
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.conversion.feature_tsv import tsv_images
from preprocess.conversion.found_regions import FoundRegions, SourceImage, found_regions
from preprocess.conversion.region_layouts import layout_of
from preprocess.storage.hdf5 import DAMAGE


def iterate_images(path: Path, features_dtype: str | None = None) -> Iterator[SourceImage]:
    """Yield each image of a TSV file, a folder with .npz files at any depth, or an HDF5 file.

    Args:
        features_dtype: of a TSV file's features, whose bytes do not tell; see `tsv_images`.

    Raises:
        InputError: while iterating, and on `SourceImage.read`: the path is missing, is of no such
            kind or damaged; the line names the file and the line, member or group.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check --input")
    if path.is_dir():
        return _npz_images(path)
    check_no_pointer(path)
    if h5py.is_hdf5(path):
        return _hdf5_images(path)
    if zipfile.is_zipfile(path):
        raise InputError(
            f"{path}: expected a TSV file, an HDF5 file or a folder of .npz files, found one .npz "
            "or .zip file; give the folder, unpacked"
        )
    return tsv_images(path, features_dtype)


def _npz_images(folder: Path) -> Iterator[SourceImage]:
    n_found = 0
    for root, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix == ".npz":
                n_found += 1
                yield SourceImage(path.stem, str(path), partial(_read_npz, path))
    if n_found == 0:
        raise InputError(f"{folder}: expected .npz files in the folder, found none; check --input")


def _read_npz(path: Path) -> FoundRegions:
    try:
        # Opened here: NumPy leaves a damaged file open. Pickled members, which could run code, are
        # refused when read, and none is.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            layout = layout_of(archive.files, str(path))
            arrays = {key: archive[key] for key in layout.keys & set(archive.files)}
    # TypeError: a .npy file by the name of .npz.
    except (*DAMAGE, EOFError, zipfile.BadZipFile, zlib.error) as error:
        check_no_pointer(path)
        if reason := lack_of_machine(error):
            raise InputError(f"{path}: cannot be read ({reason})") from error
        raise InputError(
            f"{path}: expected a .npz file of numbers, found a damaged or other one ({error}); "
            "make it again"
        ) from error
    return found_regions(layout, arrays, str(path))


def _hdf5_images(path: Path) -> Iterator[SourceImage]:
    try:
        with h5py.File(path, "r", locking=False) as file:
            for name in file:
                where = f"{path}, group {name}"
                yield SourceImage(name, where, partial(_read_group, file, name, where))
    except DAMAGE as error:
        raise _damaged(str(path), error) from error


def _read_group(file: h5py.File, name: str, where: str) -> FoundRegions:
    try:
        group = file[name]
        if not isinstance(group, h5py.Group):
            raise InputError(
                f"{where}: expected a group for each image, named by its id, found a dataset of "
                f"{group.shape}; files with one array for all images are not read"
            )
        layout = layout_of(group, where)
        arrays = {key: group[key][()] for key in layout.keys & set(group)}
    except DAMAGE as error:
        raise _damaged(where, error) from error
    return found_regions(layout, arrays, where)


def _damaged(where: str, error: Exception) -> InputError:
    if reason := lack_of_machine(error):
        return InputError(f"{where}: cannot be read ({reason})")
    return InputError(
        f"{where}: expected an HDF5 file, found a damaged one ({error}); fetch or make it again"
    )
