"""VizWiz's archives of images and captions: addresses; found, or downloaded; checked; unpacked.

Nobody has published their sizes or checksums. The size is what the server says, each file is
compared with the CRC-32 that its archive has, and the archive's own SHA-256 is written down.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from preprocess.base.errors import InputError
from preprocess.base.files import sha256_of_file
from preprocess.downloads.http_file import Retries, download, size_on_server
from preprocess.downloads.zip_members import (
    Member,
    damaged_members,
    list_members,
    missing_members,
    read_receipt,
    unpack,
    write_receipt,
)

VIZWIZ_SERVER = "https://vizwiz.cs.colorado.edu/VizWiz_final"


@dataclass(frozen=True)
class VizwizArchive:
    """A zip file of VizWiz's, and what is unpacked of it."""

    address: str  # below the server's
    members: str  # a pattern of their names, as of fnmatch, without folders
    inner: str  # the folder that they are in, in the archive or, where it has none, after it
    folder: str  # below the data folder

    @property
    def name(self) -> str:
        """The file's name, such as train.zip."""
        return self.address.rpartition("/")[2]

    def listed(self, path: Path) -> tuple[Member, ...]:
        """Return the archive's files, without what other systems add.

        Raises:
            InputError: it is no such archive, or its files are in another folder.
        """
        members = tuple(
            member
            for member in list_members(path, f"*{self.members}")
            if fnmatchcase(PurePosixPath(member.name).name, self.members)
        )
        folders = {str(PurePosixPath(member.name).parent) for member in members}
        if folders not in ({self.inner}, {"."}):
            shown = ", ".join(sorted(folders)) or "none"
            raise InputError(
                f"{path}: expected files {self.members} in {self.inner}/, found them in {shown}; "
                "is it another archive? Remove it, and the same command downloads it"
            )
        return members

    def unpacked_to(self, members: tuple[Member, ...], data_dir: Path) -> Path:
        """Return the folder that the members' paths start from."""
        has_folder = "/" in members[0].name
        return data_dir / self.folder / ("" if has_folder else self.inner)

    def obtain(
        self,
        server: str,
        data_dir: Path,
        verify: bool,
        retries: Retries,
        say: Callable[[str], None] = print,
    ) -> None:
        """Make the members be there: at once where they are, by a download where they are not.

        Args:
            server: address that the archive's own is below.
            verify: read and compare the files that are there, instead of looking at sizes.
            say: is told what was done.

        Raises:
            InputError: see `size_on_server`, `download`, `list_members` and `unpack`.
        """
        path = data_dir / "archives" / self.name
        receipt = path.with_name(f"{self.name}.members.json")
        lacking_of = damaged_members if verify else missing_members
        members = read_receipt(receipt, None)
        if members and not lacking_of(members, self.unpacked_to(members, data_dir)):
            say(f"{self.name}: all {len(members):,} files are there")
            return
        if not path.exists():
            url = f"{server}/{self.address}"
            n_bytes = size_on_server(url, retries, say)
            say(f"downloading {url} ({n_bytes:,} bytes, as the server says)")
            download(url, path, n_bytes, None, retries, say)
        members = self.listed(path)
        write_receipt(receipt, sha256_of_file(path), members)
        folder = self.unpacked_to(members, data_dir)
        lacking = lacking_of(members, folder)
        unpack(path, lacking, folder)
        say(f"unpacked {len(lacking):,} of {len(members):,} files of {self.name} below {folder}")


ANNOTATIONS = VizwizArchive("caption/annotations.zip", "[tv]*.json", "annotations", ".")
IMAGES = tuple(
    VizwizArchive(f"images/{split}.zip", f"VizWiz_{split}_*.jpg", split, "images")
    for split in ("val", "train")
)
