"""Git LFS pointers: the few lines of text that a clone without git-lfs has instead of a file."""

from pathlib import Path

from preprocess.base.errors import InputError

BEGINNING = b"version https://git-lfs.github.com/spec/"
LARGEST = 1024  # bytes, by the specification of Git LFS


def check_no_pointer(path: Path) -> None:
    """Raise InputError when a file, or any file directly in a folder, is a pointer."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        if not file.is_file() or file.stat().st_size > LARGEST:
            continue
        if file.read_bytes().startswith(BEGINNING):
            raise InputError(
                f"{file}: expected the file itself, found a Git LFS pointer to it; install git-lfs "
                f"and run `git lfs pull` in {file.parent}, or download the file"
            )
