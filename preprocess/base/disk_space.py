"""A disk that is too small: told before hours of work, and in one line."""

import ctypes
import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.base.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a user's part of it, or a file


@contextmanager
def writing_hdf5(path: Path) -> Iterator[None]:
    """Raise as InputError what h5py raises when the disk is full or fails, now or in a flush."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # A flush fails with RuntimeError, which has the number in its text only.
        told = re.search(r"errno = (\d+)", str(error))
        number = int(told[1]) if told else getattr(error, "errno", None)
        reason = os.strerror(number) if number else str(error)
        if number is None and isinstance(error, RuntimeError):
            raise
        room = number in FULL
        advice = "; the disk is full: make room, and the same command goes on" * room
        raise InputError(f"{path}: cannot be written ({reason}){advice}") from error


@contextmanager
def writing_model(path: Path) -> Iterator[None]:
    """Raise as InputError what saving weights and checkpoints raises when the disk is full.

    Of its libraries torch tells a short write by a position in its archive, and safetensors by a
    number in the text.
    """
    try:
        yield
    except Exception as error:
        numbers = [
            getattr(error, "errno", None),
            *map(int, re.findall(r"os error (\d+)", str(error))),
        ]
        texts = (*map(os.strerror, FULL), "inline_container", "file write failed")
        is_full = any(n in FULL for n in numbers) or any(text in str(error) for text in texts)
        if isinstance(error, InputError) or not is_full:
            raise
        raise InputError(
            f"{path}: cannot be written (the disk is full); make room, and the same command goes on"
        ) from error


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
