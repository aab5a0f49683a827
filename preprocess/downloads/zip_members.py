"""The files of a zip archive: listed, unpacked safely, checked on disk."""

import os
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from preprocess.base.disk_space import FULL
from preprocess.base.errors import InputError, UnreadableError, lack_of_machine
from preprocess.base.files import read_json, write_json

# What zipfile raises about an archive that is damaged, encrypted, of an unknown kind, or another.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, EOFError, KeyError),
    *(NotImplementedError, RuntimeError, ValueError),
)


@dataclass(frozen=True)
class Member:
    """A file of an archive, which has the same path below the folder it is unpacked to."""

    name: str
    n_bytes: int
    crc32: int


def list_members(archive: Path, pattern: str) -> tuple[Member, ...]:
    """Return the files of an archive whose names match a pattern (of fnmatch).

    Raises:
        InputError: it is no zip file, has no such file, or any of its names, matching or not,
            leaves the folder it is unpacked to, is a link, or is there twice.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
    except (OSError, *DAMAGED) as error:
        if archive.exists() and (reason := lack_of_machine(error)):
            raise UnreadableError(f"{archive}: cannot be read ({reason})") from error
        raise InputError(f"{archive}: expected a zip archive, found {error}; remove it") from error
    for entry in entries:
        _check_safe(archive, entry)
    name, times = (
        Counter(entry.filename for entry in entries).most_common(1)[0] if entries else ("", 0)
    )
    if times > 1:
        raise InputError(f"{archive}: has {name!r} {times} times; nothing is unpacked")
    members = tuple(
        Member(entry.filename, entry.file_size, entry.CRC)
        for entry in entries
        if not entry.is_dir() and fnmatchcase(entry.filename, pattern)
    )
    if not members:
        raise InputError(f"{archive}: expected files {pattern}, found none; nothing is unpacked")
    return members


def _check_safe(archive: Path, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.orig_filename)
    leaves = path.is_absolute() or ".." in path.parts
    odd = any(sign in entry.orig_filename for sign in ("\\", "\0", ":"))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if leaves or odd or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            f"{archive}: {entry.orig_filename!r} would leave the folder, or is a link; nothing is "
            "unpacked"
        )


def missing_members(members: Iterable[Member], folder: Path) -> list[Member]:
    """Return the members that are not in the folder with their size; fast."""
    return [member for member in members if _size(folder / member.name) != member.n_bytes]


def damaged_members(members: Iterable[Member], folder: Path) -> list[Member]:
    """Return the members that are not in the folder with their size and CRC-32; reads them all."""
    progress = tqdm(members, desc=f"checking {folder}", unit="file")
    return [
        member
        for member in progress
        if _size(folder / member.name) != member.n_bytes
        or zlib.crc32((folder / member.name).read_bytes()) != member.crc32
    ]


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def unpack(archive: Path, members: Iterable[Member], folder: Path) -> None:
    """Write members into a folder; each has its name only when it is whole (size and CRC-32).

    Raises:
        InputError: the archive is damaged or another one, or the folder cannot be written.
    """
    advice = "remove the archive, and the same command downloads it again"
    try:
        file = zipfile.ZipFile(archive)
    except (OSError, *DAMAGED) as error:
        if archive.exists() and (reason := lack_of_machine(error)):
            raise UnreadableError(f"{archive}: cannot be read ({reason})") from error
        raise InputError(f"{archive}: expected a zip archive, found {error}; {advice}") from error
    with file:
        for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file", mininterval=1):
            path = folder / member.name
            try:
                _unpack_one(file, member, path)
            except DAMAGED as error:
                raise InputError(
                    f"{archive}: {member.name} is damaged ({error}); {advice}"
                ) from error
            except OSError as error:
                room = "; make room, and the same command goes on" * (error.errno in FULL)
                raise InputError(f"{path}: cannot be written ({error.strerror}){room}") from error


def _unpack_one(file: zipfile.ZipFile, member: Member, path: Path) -> None:
    # Not files.atomic_path, which waits for the disk: too slow for 100,000 small files. What a
    # power cut loses has another size, or is found by the CRC-32.
    if member.crc32 != file.getinfo(member.name).CRC:
        raise zipfile.BadZipFile("another file than the archive had")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with file.open(member.name) as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)  # compares the CRC-32 at the end
        if partial.stat().st_size != member.n_bytes:
            raise EOFError(f"expected {member.n_bytes} bytes, found {partial.stat().st_size}")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_receipt(path: Path, sha256: str, members: Iterable[Member]) -> None:
    """Record what an archive of this checksum holds, so that it can be deleted."""
    rows = [astuple(member) for member in members]
    write_json(path, {"archive_sha256": sha256, "members": rows}, indent=None)


def read_receipt(path: Path, sha256: str | None) -> tuple[Member, ...] | None:
    """Return the members that `write_receipt` recorded; None without a record of this checksum.

    Args:
        sha256: None: of whatever archive was there.
    """
    if not path.exists():
        return None
    advice = "remove it, and the same command makes it again"
    receipt = read_json(path, advice)
    try:
        if sha256 not in (None, receipt["archive_sha256"]):
            return None
        return tuple(Member(str(n), int(b), int(c)) for n, b, c in receipt["members"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: expected the members of an archive; {advice}") from error
