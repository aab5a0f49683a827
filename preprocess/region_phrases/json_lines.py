"""X-VLM's own format: files of lines, each the JSON of an image with its regions.

{"elems": [{"caption": text or texts, "attributes": text or texts (may be missing), "bb": [x, y,
width, height]}], "caption": text or texts of the image (may be missing), "image_rpath": the file's
name, or "binary": the file itself in base64}

An image may have more lines than one, also in different files (its objects, its regions): they are
put together. So the files are read twice: first for what images there are.
"""

import base64
import binascii
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.files import atomic_path, make_folder
from preprocess.region_phrases.checked_regions import FoundImage, FoundRegion
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.odd_entries import OddEntries
from preprocess.region_phrases.tally import Tally
from preprocess.storage.decoding import DAMAGE, SIDEWAYS, orientation_of, read_upright_size

HINT = (
    "expected lines with image_rpath or binary (an image file in base64), and elems with caption "
    "and bb"
)
VISUAL_GENOME = "VG_100K"  # its two folders are VG_100K and VG_100K_2
DIGITS = re.compile(r"[0-9]{1,18}$")


@dataclass(frozen=True)
class LineImage:
    """An image that lines are of; `places` has each line's file and first byte in it."""

    image_id: int
    rpath: str | None
    places: tuple[tuple[Path, int], ...]


def json_lines_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files, and those in folders by name. Raises InputError: there is none."""
    files = []
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.iterdir()) if p.is_file())
            files += [p for p in inside if not p.name.startswith(".")]
        else:
            files.append(path)
    if not files:
        raise InputError(f"{paths[0]}: expected files of JSON lines, found none")
    return files


def lines_images(files: Sequence[Path], tally: Tally) -> tuple[list[LineImage], bool]:
    """Return the images in the order of their first lines, and whether their ids are numbers.

    The id is what the file name ends with ("COCO_val2014_000000000042.jpg" is 42), if that gives
    every image one of its own; else all are numbered from 1. Lines of another format are counted.

    Raises:
        InputError: a file has no line or no region of this format, or cannot be read.
    """
    places: dict[str, list[tuple[Path, int]]] = {}
    rpaths: dict[str, str | None] = {}
    for path in files:
        lines = OddEntries("lines", tally, HINT)
        regions = OddEntries("regions", Tally(), HINT)  # counted when they are read
        for place, text in _lines(path):
            name = f"{path}: byte {place}"
            line = lines.read(_parsed, text, name)
            if line is None:
                continue
            if not regions.has_fine:
                for element in line["elems"]:
                    regions.read(partial(_region, path), element, name)
            rpath = line.get("image_rpath")
            key = rpath if isinstance(rpath, str) else f"{path}\0{place}"
            rpaths[key] = rpath if isinstance(rpath, str) else None
            places.setdefault(key, []).append((path, place))
        lines.check()
        regions.check()
    ids = _ids_of_names(rpaths)
    own = ids or {key: number for number, key in enumerate(places, start=1)}
    images = [LineImage(own[key], rpaths[key], tuple(places[key])) for key in places]
    return images, ids is None


def check_no_visual_genome(images: Sequence[LineImage]) -> None:
    """Raise InputError: an image is Visual Genome's, whose number is not its id in COCO."""
    for image in images:
        if image.rpath and VISUAL_GENOME in image.rpath:
            raise InputError(
                f"{image.places[0][0]}: image_rpath {image.rpath!r:.60} is Visual Genome's, whose "
                "numbers are not COCO's ids; leave --split_file and --leave_out out, or use "
                "--visual_genome, whose image_data.json has them"
            )


def _ids_of_names(rpaths: dict[str, str | None]) -> dict[str, int] | None:
    """Return the number at the end of each name; None where one has none, or two have one."""
    ids = {}
    for key, rpath in rpaths.items():
        digits = DIGITS.search(PurePosixPath(rpath).stem) if rpath else None
        if digits is None:
            return None
        ids[key] = int(digits[0])
    return ids if len(set(ids.values())) == len(ids) else None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line's first byte and content."""
    place = 0
    with _opened(path) as file:
        for line in file:
            if line.strip():
                yield place, line
            place += len(line)


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; pass files of JSON lines, or a folder") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error


def _parsed(text: bytes) -> dict[str, Any]:
    line = json.loads(text)
    if not isinstance(line["elems"], list):
        raise InputError("elems is no list")
    if not isinstance(line.get("image_rpath"), str) and not isinstance(line["binary"], str):
        raise InputError("neither image_rpath nor binary is a text")
    return line


class JsonLines:
    """The images of files of JSON lines.

    Args:
        image_root: where to look for the images' sizes; without it those of `image_rpath` are
            unknown.
        unpack_images: folder to write the images of `binary` to; None for nowhere.
    """

    def __init__(self, image_root: Path | None, unpack_images: Path | None, tally: Tally) -> None:
        self._image_root = image_root
        self._unpack_images = unpack_images
        self._tally = tally
        self._binaries: dict[Path, OddEntries] = {}

    def read(self, images: Sequence[LineImage], choice: ImageChoice) -> Iterator[FoundImage]:
        """Yield the images that are chosen, with the regions of all their lines.

        Elements without caption or box, and images that cannot be decoded, are counted.

        Raises:
            InputError: no image inside the lines of a file can be decoded, an absolute path
                outside the image root, or a folder that cannot be written.
        """
        if self._unpack_images:
            make_folder(self._unpack_images)
        for image in images:
            path = image.places[0][0]
            if not choice.keeps(image.image_id, f"{path}, image {image.image_id}"):
                continue
            lines = [(file, place, self._line(file, place)) for file, place in image.places]
            if image.rpath is None:
                unpacked = self._unpacked(image, lines[0][2]["binary"])
                if unpacked is None:
                    continue
                name, size = unpacked
            else:
                own_name = self._relative(path, image.rpath)
                name, size = choice.file_name(image.image_id) or own_name, self._size(own_name)
            regions = [region for line in lines for region in self._regions(*line)]
            captions = [c for *_, line in lines for c in _texts(line.get("caption", ()))]
            yield FoundImage(path, image.image_id, name, *size, regions, captions)
        for odd in self._binaries.values():
            odd.check()

    @staticmethod
    def _line(path: Path, place: int) -> dict[str, Any]:
        with _opened(path) as file:
            file.seek(place)
            return _parsed(file.readline())

    def _regions(self, path: Path, place: int, line: dict[str, Any]) -> list[FoundRegion]:
        odd = OddEntries("regions", self._tally, HINT)
        odd.has_fine = True  # of the file: its lines were looked at before
        parse, name = partial(_region, path), f"{path}: byte {place}"
        found = (odd.read(parse, element, name) for element in line["elems"])
        return [region for region in found if region is not None]

    def _relative(self, path: Path, rpath: str) -> str:
        """Return a file name below the image root."""
        if not rpath.startswith("/"):
            return rpath
        if self._image_root and (below := Path(rpath)).is_relative_to(self._image_root.absolute()):
            return below.relative_to(self._image_root.absolute()).as_posix()
        raise InputError(
            f"{path}: image_rpath {rpath!r} starts at the root of the disk; pass the --image_root "
            "that it is below"
        )

    def _size(self, name: str) -> tuple[int, int]:
        if self._image_root is None:
            return 0, 0
        try:
            return read_upright_size(self._image_root / name)
        except InputError as error:
            self._tally.add("images that cannot be opened", str(error))
            return 0, 0

    def _unpacked(self, image: LineImage, binary: str) -> tuple[str, tuple[int, int]] | None:
        """Return the name that an image is given, and its height and width; None of no image."""
        path, place = image.places[0]
        odd = self._binaries.setdefault(path, OddEntries("images", self._tally, HINT))
        decoded = odd.read(_decoded, binary, f"{path}: byte {place}")
        if decoded is None:
            return None
        name = f"{image.image_id:012d}.{decoded.kind}"
        if self._unpack_images:
            with atomic_path(self._unpack_images / name) as unfinished:
                unfinished.write_bytes(decoded.encoded)
        else:
            self._tally.add(
                "images inside their lines, which --unpack_images FOLDER writes as files",
                f"{path}, image {image.image_id}",
            )
        return name, decoded.size


@dataclass(frozen=True)
class _Decoded:
    """An image file of a line: its bytes, what its name ends with, its height and width."""

    encoded: bytes
    kind: str
    size: tuple[int, int]


def _decoded(binary: str) -> _Decoded:
    try:
        encoded = base64.b64decode(binary)
        with Image.open(io.BytesIO(encoded)) as opened:
            sideways = orientation_of(opened) in SIDEWAYS
            size = opened.size if sideways else opened.size[::-1]
            kind = (opened.format or "image").lower().replace("jpeg", "jpg")
    except (binascii.Error, Image.DecompressionBombError, *DAMAGE) as error:
        raise InputError(f"binary is no image ({error})") from error
    return _Decoded(encoded, kind, size)


def _region(path: Path, element: dict[str, Any]) -> FoundRegion:
    box, phrases = element["bb"], _texts(element["caption"])
    return FoundRegion(path, box, phrases, _texts(element.get("attributes", ())))


def _texts(value: object) -> Sequence[object]:
    """Return a text, or a list of texts, as a list."""
    return value if isinstance(value, list | tuple) else [value]
