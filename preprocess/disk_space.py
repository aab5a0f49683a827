"""A disk that is too small: told before hours of work, and in one line."""

import ctypes
import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a user's part of it, or a file


@contextmanager
def writing_hdf5(path: Path) -> Iterator[None]:
    """Raise as InputError what h5py raises when the disk is full or fails, now or in a flush."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # A flush fails with RuntimeError, which has the number in its text only.
        number = re.search(r"errno = (\d+)", str(error))
        number = int(number[1]) if number else getattr(error, "errno", None)
        reason = os.strerror(number) if number else str(error)
        if number is None and isinstance(error, RuntimeError):
            raise
        room = number in FULL
        advice = "; the disk is full: make room, and the same command goes on" * room
        raise InputError(f"{path}: cannot be written ({reason}){advice}") from error


def reserve_space(path: Path, n_bytes: int) -> None:
    """Take disk space for a file, or for the gaps in one: a disk too small is known at once.

    Nothing is done where the system or the file system cannot.

    Args:
        n_bytes: from the beginning of the file on, which becomes as long if it is shorter.

    Raises:
        OSError: the disk is full.
    """
    if sys.platform != "linux":
        return
    # Not os.posix_fallocate: where the file system cannot, it writes a byte to every 4096.
    fallocate = getattr(ctypes.CDLL(None, use_errno=True), "fallocate", None)
    if fallocate is None:
        return
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    with path.open("r+b") as file:
        while fallocate(file.fileno(), 0, 0, n_bytes):
            number = ctypes.get_errno()
            if number in FULL:
                raise OSError(number, os.strerror(number), str(path))
            if number != errno.EINTR:
                return
