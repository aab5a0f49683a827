"""The folder that a command downloads into: held by one process, which says what it does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from preprocess.base.errors import InputError
from preprocess.base.file_lock import let_go, take_lock
from preprocess.base.files import check_writable


@contextmanager
def only_download(data_dir: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises InputError when another one downloads into it."""
    path = data_dir / "archives" / ".lock"
    check_writable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = take_lock(path)
    except BlockingIOError as error:
        raise InputError(
            f"{data_dir}: another process is downloading into it; wait until that has ended"
        ) from error
    try:
        yield
    finally:
        let_go(lock)


def say(line: str) -> None:
    """Print a line, above a progress bar, and at once: a log shows what hours are spent on."""
    tqdm.write(line)
    sys.stdout.flush()
