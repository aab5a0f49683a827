"""The lock on an output: of two runs that would write it at the same time, the second stops.

It is an advisory lock (`flock`) on the empty file `.{output}.lock` beside the output. A process
that dies, however, lets go of it; what a kill leaves is the file, which the next run takes over and
removes.
"""

import errno
import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from preprocess.errors import InputError

UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)  # by some network file systems


@contextmanager
def lock_output(output: Path) -> Iterator[None]:
    """Hold the output for this process, which may go on to make it, until the block ends.

    Raises:
        InputError: another process holds it, or the lock's file cannot be written.
    """
    path = output.with_name(f".{output.name}.lock")
    try:
        file = _take(path)
    except BlockingIOError as error:
        raise InputError(
            f"{output}: another process is writing it; wait until that has ended, or choose "
            "another --output"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    # A forked process, such as a loader of images, shares the lock and may outlive this one.
    os.register_at_fork(after_in_child=file.close)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is locked: see `_take`
        file.close()


def _take(path: Path) -> TextIO:
    """Lock the file that has the name `path` now. Raises BlockingIOError when another did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("a")
        try:
            _lock(file)
            # Its holder may have removed the file after it was opened here: then what is locked
            # is a file that has no name, and that nobody else will look at.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except OSError:
            file.close()
            raise
        file.close()


def _lock(file: TextIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        warnings.warn(
            f"{file.name}: the file system has no locks; start no second run with this output",
            stacklevel=2,
        )
