"""An archive's way onto the disk: found, or downloaded; checked; unpacked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.downloads.coco_archives import Archive
from preprocess.downloads.http_file import Retries, download, partial_of
from preprocess.downloads.zip_members import (
    Member,
    damaged_members,
    list_members,
    missing_members,
    read_receipt,
    unpack,
    write_receipt,
)


@dataclass(frozen=True)
class ObtainedArchive:
    """Where an archive and its members are, or will be, below a data folder.

    The archive is `archives/{name}`, its receipt `archives/{name}.members.json`: the names, sizes
    and CRC-32 of what it holds, written when its checksum was right.
    """

    archive: Archive
    data_dir: Path

    @property
    def path(self) -> Path:
        """The zip file."""
        return self.data_dir / "archives" / self.archive.name

    @property
    def folder(self) -> Path:
        """The folder that its members' paths start from."""
        return self.data_dir / self.archive.folder

    @property
    def receipt(self) -> Path:
        """What the zip file holds."""
        return self.path.with_name(f"{self.archive.name}.members.json")

    def members(self) -> tuple[Member, ...] | None:
        """Return what the archive holds, once it was there and right; else None."""
        return read_receipt(self.receipt, self.archive.sha256)

    def bytes_to_download(self) -> int:
        """Return the bytes of disk that the rest of the download takes."""
        members = self.members()
        if self.path.exists() or (members and not missing_members(members, self.folder)):
            return 0
        partial = partial_of(self.path)
        there = partial.stat().st_size if partial.exists() else 0
        return max(self.archive.n_bytes - there, 0)

    def bytes_there(self) -> int:
        """Return the bytes of disk that the zip file, or what is there of it, takes by now."""
        paths = (self.path, partial_of(self.path))
        return sum(path.lstat().st_blocks * 512 for path in paths if path.exists())

    def bytes_to_unpack(self) -> int:
        """Return the bytes of disk that the members take which are not there."""
        members = self.members()
        if members is None:
            return self.archive.unpacked_bytes
        return sum(member.n_bytes for member in missing_members(members, self.folder))

    def obtain(
        self, url: str, retries: Retries, verify: bool, say: Callable[[str], None] = print
    ) -> None:
        """Make the members be there: at once where they are, by a download where they are not.

        Args:
            verify: read the archive and its members, which takes minutes, instead of looking at
                sizes.
            say: is told what was done.

        Raises:
            InputError: see `download`, `list_members` and `unpack`; the archive that is there is
                another one.
        """
        members = self.members()
        if verify and self.path.exists():
            self._check(say)
        lacking = None if members is None else self._lacking(members, verify)
        if members is not None and not lacking:
            say(f"{self.archive.name}: all {len(members):,} files are in {self.folder}")
            return
        if not self.path.exists():
            say(f"downloading {url} ({self.archive.n_bytes:,} bytes)")
            download(url, self.path, self.archive.n_bytes, self.archive.sha256, retries, say)
        elif members is None and not verify:
            self._check(say)
        if members is None or lacking is None:
            members = list_members(self.path, self.archive.members)
            write_receipt(self.receipt, self.archive.sha256, members)
            lacking = self._lacking(members, verify)
        unpack(self.path, lacking, self.folder)
        say(f"unpacked {len(lacking):,} of {len(members):,} files into {self.folder}")

    def _lacking(self, members: tuple[Member, ...], verify: bool) -> list[Member]:
        return (damaged_members if verify else missing_members)(members, self.folder)

    def _check(self, say: Callable[[str], None]) -> None:
        """Raise InputError when the file that is there is not the archive."""
        advice = "remove it, and the same command downloads it"
        found, expected = self.path.stat().st_size, self.archive.n_bytes
        if found != expected:
            raise InputError(f"{self.path}: expected {expected:,} bytes, found {found:,}; {advice}")
        say(f"checking {self.path}")
        digest = sha256_of_file(self.path)
        if digest != self.archive.sha256:
            raise InputError(
                f"{self.path}: expected SHA-256 {self.archive.sha256}, found {digest}; {advice}"
            )
