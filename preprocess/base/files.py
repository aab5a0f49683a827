"""Reading and writing whole files: JSON, hashes, and writes that are atomic."""

import codecs
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from preprocess.base.disk_space import FULL
from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.file_lock import let_go, take_lock
from preprocess.base.json_seal import BrokenSealError, sealed, unsealed
from preprocess.base.lfs_pointer import check_no_pointer


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _check_regular(path: Path) -> None:
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a device or pipe"
        raise InputError(f"{path}: cannot be written (expected the name of a file, found {what})")


def _check_not_at_root(folder: Path) -> Path:
    """Return the nearest folder that exists, `folder` or one above it.

    Raises:
        InputError: a new folder would stand at the root of the disk: mostly a path with a slash too
            many, or a variable that is not set.
    """
    folder = folder.absolute()
    existing = next(above for above in (folder, *folder.parents) if above.exists())
    if folder != existing == Path(folder.anchor):
        new = Path(*folder.parts[:2])
        raise InputError(
            f"{folder}: {new} is not there, and would be made at the root of the disk; if that is "
            f"meant, make it yourself (mkdir {new})"
        )
    return existing


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises:
        InputError: it cannot be made, or would begin at the root of the disk.
    """
    with _writing(folder):
        _check_not_at_root(folder)
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _room_for(path: Path) -> Iterator[None]:
    """Tell a full disk in one line; other errors of the block are its own."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise InputError(
            f"{path}: cannot be written ({os.strerror(error.errno)}); make room, and repeat the "
            "command"
        ) from error


def behind_link(path: Path) -> Path:
    """Return the path that a write to `path` goes to: itself, or what it is a link to.

    Raises:
        InputError: it is a link into a folder that is not there, or a link to itself.
    """
    if not path.is_symlink():
        return path
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:  # a loop
        raise InputError(f"{path}: cannot be written (a link that leads nowhere)") from error
    if not target.parent.is_dir():
        raise InputError(
            f"{path}: cannot be written (a link to {target}, whose folder is not there); make that "
            "folder, or remove the link"
        )
    return target


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which becomes `path` when the block succeeds.

    Killed at any moment, `path` is either what it was before or the finished file. The temporary
    name is fixed, so that a repeated run overwrites what a killed one left behind, and locked, so
    that two processes do not write into one. HDF5 locks what it opens as well: in the block, open
    with `locking=False`. Where `path` is a link, what it points to is written, and stays where it
    is: on another disk, for example.

    Raises:
        InputError: `path` is a folder, or a link that leads nowhere, another process is writing it,
            the folder it is in cannot be created or written, or the disk is full.
    """
    path = behind_link(path)
    partial = path.with_name(f".{path.name}.partial")
    with _writing(path):
        _check_regular(path)
        _check_not_at_root(path.parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = take_lock(partial)
        except BlockingIOError as error:
            raise InputError(
                f"{path}: another process is writing it; wait until that has ended, or choose "
                "another output"
            ) from error
    try:
        with _room_for(path):
            yield partial
        with _writing(path):
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
    except BaseException:
        # While it is locked, and not after it was renamed: the name may be another writer's then.
        partial.unlink(missing_ok=True)
        raise
    finally:
        let_go(held)


def check_writable(path: Path) -> None:
    """Raise InputError, before long work, when `path` could not be written after it.

    Nothing is created: where the folder of `path` does not exist, the nearest one above that does
    is tried, with a file without a name.
    """
    path = behind_link(path)
    with _writing(path):
        _check_regular(path)
        existing = _check_not_at_root(path.parent)
        with tempfile.TemporaryFile(dir=existing):
            pass


def write_json(path: Path, content: Any, indent: int | None = 2) -> None:
    """Write UTF-8 JSON, atomically; an object gets a seal, which `read_json` checks."""
    with atomic_path(path) as partial:
        text = json.dumps(sealed(content), indent=indent, ensure_ascii=False)
        # Half of a character, for which UTF-8 has no bytes, becomes the escape that JSON has.
        partial.write_bytes((text + "\n").encode("utf-8", errors="backslashreplace"))


def read_text(path: Path, made_by: str) -> str:
    """Read a text in UTF-8 or, with a byte-order mark, UTF-16.

    Args:
        made_by: where such a file comes from; ends the error line.

    Raises:
        InputError: it does not exist, or is no such text.
    """
    try:
        content = path.read_bytes()
        check_no_pointer(path)
        is_utf16 = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {made_by}") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected a text in UTF-8 ({error}); {made_by}") from error


def read_json(path: Path, made_by: str) -> Any:
    """Read a JSON file; what `write_json` wrote is returned without its seal.

    It may have a byte-order mark, or be in UTF-16, as some editors write it.

    Args:
        made_by: the command that makes such a file, or where it comes from; ends the error line.

    Raises:
        InputError: `path` does not exist, is not JSON, or is not what was written.
    """
    try:
        content = path.read_bytes()
        check_no_pointer(path)
        return unsealed(json.loads(content))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; {made_by}") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error
    except BrokenSealError as error:
        raise InputError(f"{path}: {error}; {made_by}") from error
    except (ValueError, RecursionError) as error:  # of text, JSON, long numbers; deep nesting
        raise InputError(f"{path}: expected JSON, found {error}; {made_by}") from error


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
