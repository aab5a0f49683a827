"""The lock on an output: of two runs that would write it at the same time, the second stops.

It is an advisory lock (`flock`) on the empty file `.{output}.lock` beside the output. A process
that dies, however, lets go of it; what a kill leaves is the file, which the next run takes over and
removes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.file_lock import take_lock


def lock_path(output: Path) -> Path:
    """Return the path of the lock's file."""
    return output.with_name(f".{output.name}.lock")


@contextmanager
def lock_output(output: Path) -> Iterator[None]:
    """Hold the output for this process, which may go on to make it, until the block ends.

    Raises:
        InputError: another process holds it, or the lock's file cannot be written.
    """
    path = lock_path(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = take_lock(path)
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
        path.unlink(missing_ok=True)  # while it is locked: see `take_lock`
        file.close()
