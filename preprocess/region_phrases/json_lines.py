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
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.files import make_folder
from preprocess.region_phrases.checked_regions import FoundImage, FoundRegion
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.tally import Tally
from preprocess.storage.decoding import DAMAGE, SIDEWAYS, orientation_of, read_upright_size

EXPECTED = "a line with elems, and image_rpath or binary"
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


def lines_images(files: Sequence[Path]) -> tuple[list[LineImage], bool]:
    """Return the images in the order of their first lines, and whether their ids are numbers.

    The id is what the file name ends with ("COCO_val2014_000000000042.jpg" is 42), if that gives
    every image one of its own; else all are numbered from 1.

    Raises:
        InputError: a line is not of this format, or a file cannot be read.
    """
    places: dict[str, list[tuple[Path, int]]] = {}
    rpaths: dict[str, str | None] = {}
    for path in files:
        for place, line in _lines(path):
            rpath = line.get("image_rpath")
            if not isinstance(rpath, str) and not isinstance(line.get("binary"), str):
                raise InputError(f"{path}: byte {place}: expected {EXPECTED}")
            key = rpath if isinstance(rpath, str) else f"{path}\0{place}"
            rpaths[key] = rpath
            places.setdefault(key, []).append((path, place))
    ids = _ids_of_names(rpaths)
    own = ids or {key: number for number, key in enumerate(places, start=1)}
    images = [LineImage(own[key], rpaths[key], tuple(places[key])) for key in places]
    return images, ids is None


def _ids_of_names(rpaths: dict[str, str | None]) -> dict[str, int] | None:
    """Return the number at the end of each name; None where one has none, or two have one."""
    ids = {}
    for key, rpath in rpaths.items():
        digits = DIGITS.search(PurePosixPath(rpath).stem) if rpath else None
        if digits is None:
            return None
        ids[key] = int(digits[0])
    return ids if len(set(ids.values())) == len(ids) else None


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's first byte and content."""
    place = 0
    with _opened(path) as file:
        for line in file:
            if line.strip():
                yield place, _parsed(path, place, line)
            place += len(line)


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; pass files of JSON lines, or a folder") from error
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read ({error.strerror})") from error


def _parsed(path: Path, place: int, line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: byte {place}: expected {EXPECTED}, found {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("elems"), list):
        raise InputError(f"{path}: byte {place}: expected {EXPECTED}, found {line[:40]!r}")
    return content


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

    def read(self, images: Sequence[LineImage], choice: ImageChoice) -> Iterator[FoundImage]:
        """Yield the images that are chosen, with the regions of all their lines.

        Raises:
            InputError: an element without caption or box, bytes that are no image, an absolute
                path outside the image root, or a folder that cannot be written.
        """
        if self._unpack_images:
            make_folder(self._unpack_images)
        for image in images:
            path = image.places[0][0]
            if not choice.keeps(image.image_id, f"{path}, image {image.image_id}"):
                continue
            lines = [(file, place, self._line(file, place)) for file, place in image.places]
            if image.rpath is None:
                name, size = self._unpacked(image, lines[0][2]["binary"])
            else:
                own_name = self._relative(path, image.rpath)
                name, size = choice.file_name(image.image_id) or own_name, self._size(own_name)
            regions = [_region(*line, element) for line in lines for element in line[2]["elems"]]
            captions = [c for *_, line in lines for c in _texts(line.get("caption", ()))]
            yield FoundImage(path, image.image_id, name, *size, regions, captions)

    @staticmethod
    def _line(path: Path, place: int) -> dict[str, Any]:
        with _opened(path) as file:
            file.seek(place)
            return _parsed(path, place, file.readline())

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

    def _unpacked(self, image: LineImage, binary: str) -> tuple[str, tuple[int, int]]:
        """Return the name that an image is given, and its height and width."""
        path, place = image.places[0]
        try:
            encoded = base64.b64decode(binary)
            with Image.open(io.BytesIO(encoded)) as opened:
                sideways = orientation_of(opened) in SIDEWAYS
                height, width = opened.size if sideways else opened.size[::-1]
                kind = (opened.format or "image").lower().replace("jpeg", "jpg")
        except (binascii.Error, Image.DecompressionBombError, *DAMAGE) as error:
            raise InputError(f"{path}: byte {place}: binary is no image ({error})") from error
        name = f"{image.image_id:012d}.{kind}"
        if self._unpack_images:
            (self._unpack_images / name).write_bytes(encoded)
        else:
            self._tally.add(
                "images inside their lines, which --unpack_images FOLDER writes as files",
                f"{path}, image {image.image_id}",
            )
        return name, (height, width)


def _region(path: Path, place: int, line: dict[str, Any], element: Any) -> FoundRegion:
    try:
        box, phrases = element["bb"], _texts(element["caption"])
        return FoundRegion(path, box, phrases, _texts(element.get("attributes", ())))
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: byte {place}: expected elems with caption and bb, found {element!r:.60}"
        ) from error


def _texts(value: object) -> Sequence[object]:
    """Return a text, or a list of texts, as a list."""
    return value if isinstance(value, list | tuple) else [value]
