"""Processes that load images ahead of a model, while the file that is written is open."""

import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from preprocess.base.errors import InputError

PR_SET_PDEATHSIG = 1  # of Linux's prctl


@contextmanager
def telling_killed_workers() -> Iterator[None]:
    """Raise InputError when a worker of a DataLoader was killed.

    It goes round the whole loop: DataLoader raises wherever the parent is when the worker dies.
    """
    try:
        yield
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise InputError(
            "--num_workers: a worker was killed, probably for want of memory; repeat the command "
            "with fewer, and it goes on"
        ) from error


def die_with_parent(worker: int) -> None:
    """Have the system end this worker when its parent is killed.

    Otherwise it looks for itself, every 5 s, and until then it keeps the written file locked,
    which it inherited open: the command that goes on would be refused. Elsewhere than on Linux
    workers inherit nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
