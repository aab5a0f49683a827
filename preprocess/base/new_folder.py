"""A folder that is written as a whole: until it is finished, nothing has its name."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import make_folder


def check_new_folder(path: Path) -> None:
    """Raise InputError where something that is not an empty folder has the name already."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: exists; delete it, or choose another --output")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder beside `path`, which becomes `path` when the block succeeds.

    Its name is fixed: what a killed process left of it is removed.

    Raises:
        InputError: `path` exists and is no empty folder, or cannot be written.
    """
    check_new_folder(path)
    make_folder(path.absolute().parent)
    partial = path.absolute().with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        yield partial
        os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
