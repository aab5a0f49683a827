"""The one exception that users see, and the one warning; and what is no bad input."""

import errno
import os
import re

# How NumPy, HDF5 and torch call it; CUDA's has a class of its own.
NO_MEMORY = re.compile(r"unable to allocate|can't allocate|allocation failed|out of memory", re.I)


class InputError(Exception):
    """Bad input. The message names the file, what was expected and found, and how to fix it.

    Commands print it as one line and exit with status 1; it is never raised for a defect of
    this project, whose traceback should stay visible.
    """


class UnreadableError(InputError):
    """A file that this machine cannot read, or write, now, and that may be whole."""


class InputWarning(UserWarning):
    """Odd input that was worked around. Commands print it as one line and go on."""


def lack_of_machine(error: BaseException) -> str | None:
    """Tell why reading failed where the machine failed; None where the file may be damaged.

    A file that a full memory, a lost disk or a missing permission kept from being read is as good
    as it was: nobody should be told to delete it.
    """
    if isinstance(error, MemoryError) or NO_MEMORY.search(str(error)):
        return "not enough memory: free some, or use fewer processes, and repeat the command"
    told = re.search(r"errno = (\d+)", str(error))  # of HDF5, whose other errors have no number
    number = int(told[1]) if told else getattr(error, "errno", None)
    # EINVAL: an offset that damage made absurd.
    if isinstance(error, OSError | RuntimeError) and number not in (None, errno.EINVAL):
        return os.strerror(number)
    return None
