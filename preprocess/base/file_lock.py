"""A lock on a file that is being written: of two writers, the second stops.

It is an advisory lock (`flock`): a process that dies, however, lets go of it.
"""

import errno
import fcntl
import os
import warnings
from functools import cache
from pathlib import Path
from typing import TextIO

from preprocess.base.errors import InputWarning

# By some network file systems: NFS without a lock daemon, Lustre, Cray's DVS (524), and mounts that
# are read-only for locks alone.
UNSUPPORTED = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, 524, errno.EROFS)


def take_lock(path: Path) -> TextIO:
    """Open the file that has the name `path` now, making it if it is missing, and lock it.

    Returns:
        the open file, positioned at its end; closing it lets go of it.

    Raises:
        BlockingIOError: another open file holds it.
        OSError: it cannot be made or opened.
    """
    while True:
        file = path.open("a")
        try:
            _lock(file)
            # Its holder may have renamed or removed the file after it was opened here: then what
            # is locked is another file than the one that has the name.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except OSError:
            file.close()
            raise
        file.close()


def let_go(file: TextIO) -> None:
    """Unlock and close the file, also when a forked process still has it open."""
    try:
        fcntl.flock(file, fcntl.LOCK_UN)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        file.close()


def _lock(file: TextIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        say_that_there_are_no_locks()


@cache
def say_that_there_are_no_locks() -> None:
    """Warn, once for the process: the work goes on, and the user is the lock."""
    warnings.warn(
        "the file system of the output has no locks; start no second run with the same output",
        InputWarning,
        stacklevel=4,
    )
