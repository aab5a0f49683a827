"""An .npz file whose every byte is checked as it is read, and which is written reproducibly."""

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.files import atomic_path
from preprocess.base.lfs_pointer import check_no_pointer

# What a damaged or foreign file can raise, depending on where it is: zipfile raises RuntimeError
# for a flag of encryption or an unknown compression, NumPy's parser of headers SyntaxError.
DAMAGED = (
    *(OSError, EOFError, ValueError, TypeError, LookupError, RuntimeError, SyntaxError),
    *(ArithmeticError, MemoryError, AttributeError, zipfile.BadZipFile, zlib.error),
)


def write_npz(
    path: Path, arrays: dict[str, np.ndarray], uncompressed: Collection[str] = ()
) -> None:
    """Write the arrays, atomically; of the same arrays, files are the same byte for byte.

    Args:
        uncompressed: names of arrays that compression would make little smaller.
    """
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w", allowZip64=True) as archive:
        for name, array in arrays.items():
            # A member's date is that of no clock: 1980.
            member = zipfile.ZipInfo(f"{name}.npy")
            stored = name in uncompressed
            member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def read_npz(path: Path, expected: str, made_by: str) -> dict[str, np.ndarray]:
    """Read all arrays; objects, which would be pickles, are refused.

    Args:
        expected: what the error line says the file should be.
        made_by: the command that makes such a file; ends the error line.

    Raises:
        InputError: the file is missing, damaged or no .npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name.removesuffix(".npy"): _read_member(archive, name)
                for name in archive.namelist()
            }
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {made_by}") from error
    except DAMAGED as error:
        check_no_pointer(path)
        if reason := lack_of_machine(error):
            raise UnreadableError(f"{path}: cannot be read ({reason})") from error
        raise InputError(
            f"{path}: expected {expected}, found a damaged or foreign file "
            f"({type(error).__name__}: {error}); {made_by}"
        ) from error


def _read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read_header = getattr(np.lib.format, f"read_array_header_{min(version[0], 2)}_0")
        shape, _, dtype = read_header(file)
        # Else it would ask for the memory first, and the want of that is not called damage.
        if math.prod(shape) * dtype.itemsize > archive.getinfo(name).file_size:
            raise ValueError(f"{name} is shorter than its array")
    with archive.open(name) as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
        # The checksum of a member is compared at its end, which an array whose header was damaged
        # need not reach.
        if file.read(1):
            raise ValueError(f"{name} is longer than its array")
    return array
