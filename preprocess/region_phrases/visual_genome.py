"""Visual Genome's region descriptions, objects and attributes (version 1.2 and later).

- image_data.json: [{"image_id", "width", "height", "url", "coco_id" (or null), ...}]
- region_descriptions.json: [{"id", "regions": [{"phrase", "x", "y", "width", "height", ...}]}]
- objects.json: [{"image_id", "objects": [{"object_id", "names", "x", "y", "w", "h",
  "merged_object_ids" (1.4), ...}]}]
- attributes.json: [{"image_id", "attributes": [{"object_id", "names", "attributes" (may be
  missing), "x", "y", "w", "h", ...}]}], of all objects

All have the images in the same order. https://homes.cs.washington.edu/~ranjay/visualgenome
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.region_phrases.checked_regions import FoundImage, FoundRegion
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.json_list import list_members
from preprocess.region_phrases.odd_entries import OddEntries, Read
from preprocess.region_phrases.tally import Tally

SOURCE = "Visual Genome's files of version 1.2 or later are read"
IMAGE_DATA = "image_data"
MEMBERS = {"region_descriptions": "regions", "objects": "objects", "attributes": "attributes"}
NAME = re.compile(rf"({'|'.join([IMAGE_DATA, *MEMBERS])})(_v[\d_]+)?\.json")


def visual_genome_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the files by what they are: those given, and those of folders.

    Raises:
        InputError: a file of another name, two of a kind, no image data, or nothing else.
    """
    files: dict[str, Path] = {}
    for path in paths:
        is_folder = path.is_dir()
        for file in sorted(path.iterdir()) if is_folder else [path]:
            found = NAME.fullmatch(file.name)
            if not found and is_folder:
                continue
            if not found:
                raise InputError(f"{file}: expected {', '.join([IMAGE_DATA, *MEMBERS])}.json")
            if found[1] in files:
                raise InputError(f"{file}: expected one of its kind, found {files[found[1]]} too")
            files[found[1]] = file
    if IMAGE_DATA not in files or len(files) < 2:
        raise InputError(
            f"--visual_genome: expected image_data.json and one or more of {', '.join(MEMBERS)}"
            f".json, found {', '.join(sorted(files)) or 'none of them'}"
        )
    return files


def read_visual_genome(files: Mapping[str, Path], choice: ImageChoice) -> Iterator[FoundImage]:
    """Yield the images of `image_data.json` in its order, each with regions, then objects.

    An object's names are phrases for its box. Attributes are joined to the objects by their ids;
    without `objects.json` those of `attributes.json` are taken. Entries that lack what is needed
    of them are counted and left out, unless all of a file do; so is an image whose entry does not
    tell whether it is COCO's.

    Raises:
        InputError: missing, cut or other files.
    """
    path, tally = files[IMAGE_DATA], choice.tally
    listed = read_json(path, SOURCE)
    if not isinstance(listed, list):
        raise InputError(f"{path}: expected a list of images; {SOURCE}")
    odd = OddEntries("images", tally, SOURCE)
    images = [i for entry in listed if (i := odd.read(_image, entry, str(path))) is not None]
    odd.check()
    del listed
    ids = [image.image_id for image in images]
    others = {
        kind: _ByImage(files[kind], member, ids, tally)
        for kind, member in MEMBERS.items()
        if kind in files
    }
    regions = _Regions(files, tally)
    for image in images:
        of_kind = {kind: other.take(image.image_id) for kind, other in others.items()}
        found = regions.of(image.image_id, of_kind)
        if choice.keeps(image.coco_id, f"{path}, image {image.image_id}"):
            yield FoundImage(path, image.image_id, image.file_name, *image.size, found)
    for other in others.values():
        other.close()
    regions.check()


@dataclass(frozen=True, slots=True)
class _Image:
    """An entry of the image data; its size, height and width, is not checked."""

    image_id: int
    coco_id: int | None
    file_name: str
    size: tuple[object, object]


def _image(entry: dict[str, Any]) -> _Image:
    coco_id = None if entry["coco_id"] is None else as_id(entry["coco_id"], "coco_id")
    size = entry.get("height"), entry.get("width")
    return _Image(as_id(entry["image_id"], "image id"), coco_id, _file_name(entry["url"]), size)


def _file_name(url: str) -> str:
    """Return "VG_100K_2/1.jpg" of a URL that ends so."""
    parts = PurePosixPath(urlparse(url).path).parts[-2:]
    if len(parts) < 2 or parts[0] == "/":
        raise InputError(f"url {url!r}: expected one that ends with a folder and a file name")
    return "/".join(parts)


class _ByImage:
    """The entries of a file by image, read ahead no further than needed.

    In a file that has its images in the order of the image data, one entry is held. At the first
    that is not the next image's, the file is read once for its ids alone, to tell an image that it
    lacks from one that comes later: so that no more than the images that are out of order is held,
    which is all before the last of them is reached.

    Args:
        ids: the images of the image data. Entries of others, and second ones, are left out.
    """

    def __init__(self, path: Path, member: str, ids: Sequence[int], tally: Tally) -> None:
        self.path = path
        self._member = member
        self._pending = set(ids)
        self._tally = tally
        self._odd = OddEntries("entries", tally, SOURCE)
        self._entries = list_members(path, SOURCE)
        self._ids: frozenset[int] | None = None  # of the file; None before they are needed
        self.passed: dict[int, list[Any]] = {}

    def take(self, image_id: int) -> list[Any]:
        """Return an image's regions, once; none where the file does not have it."""
        while image_id not in self.passed and (self._ids is None or image_id in self._ids):
            if not self._read_one():
                break
            if self._ids is None and image_id not in self.passed:
                self._ids = self._all_ids()
        self._pending.discard(image_id)
        return self.passed.pop(image_id, [])

    def close(self) -> None:
        """Read the rest. Raises InputError: no entry was of the format, or the file is cut."""
        while self._read_one():
            pass
        self._odd.check()

    def _read_one(self) -> bool:
        """Read an entry; return whether there was one."""
        try:
            entry = next(self._entries)
        except StopIteration:
            return False
        found = self._odd.read(self._parsed, entry, str(self.path))
        if found is not None:
            image_id, regions = found
            if image_id in self._pending and image_id not in self.passed:
                self.passed[image_id] = regions
            else:
                kind = f"entries of images that {IMAGE_DATA} does not have, or second ones left out"
                self._tally.add(kind, f"{self.path}, image {image_id}")
        return True

    def _all_ids(self) -> frozenset[int]:
        uncounted = OddEntries("entries", Tally(), SOURCE)
        entries = (
            uncounted.read(self._parsed, entry, str(self.path))
            for entry in list_members(self.path, SOURCE)
        )
        return frozenset(entry[0] for entry in entries if entry is not None)

    def _parsed(self, entry: dict[str, Any]) -> tuple[int, list[Any]]:
        regions = entry[self._member]
        if not isinstance(regions, list):
            raise InputError(f"{self._member}: expected a list, found {regions!r:.40}")
        return as_id(entry["id"] if "id" in entry else entry["image_id"], "image id"), regions


class _Regions:
    """Makes the regions of images, each file with a count of its odd ones."""

    def __init__(self, files: Mapping[str, Path], tally: Tally) -> None:
        self._files = files
        self._odd = {kind: OddEntries("regions", tally, SOURCE) for kind in MEMBERS}

    def of(self, image_id: int, of_kind: Mapping[str, list[Any]]) -> list[FoundRegion]:
        """Return an image's regions from its entries in each file."""
        kind = "objects" if "objects" in of_kind else "attributes"
        attributes: dict[int, list[object]] = defaultdict(list)
        if kind == "objects":
            for own_id, own in self._read("attributes", _attributes, image_id, of_kind):
                attributes[own_id] += own

        def described(entry: dict[str, Any]) -> FoundRegion:
            box = [entry[side] for side in ("x", "y", "width", "height")]
            return FoundRegion(self._files["region_descriptions"], box, (entry["phrase"],))

        def named(entry: dict[str, Any]) -> FoundRegion:
            ids = [entry["object_id"], *(entry.get("merged_object_ids") or ())]
            own = [attribute for i in ids for attribute in attributes.get(i, ())]
            if kind == "attributes":
                own = _attributes(entry)[1]
            box = [entry[side] for side in ("x", "y", "w", "h")]
            return FoundRegion(self._files[kind], box, _list(entry["names"]), own)

        descriptions = self._read("region_descriptions", described, image_id, of_kind)
        return [*descriptions, *self._read(kind, named, image_id, of_kind)]

    def check(self) -> None:
        """Raise InputError: none of the regions of a file is of the format."""
        for odd in self._odd.values():
            odd.check()

    def _read(
        self,
        kind: str,
        parse: Callable[[Any], Read],
        image_id: int,
        of_kind: Mapping[str, list[Any]],
    ) -> list[Read]:
        odd, name = self._odd[kind], f"{self._files.get(kind)}, image {image_id}"
        made = (odd.read(parse, entry, name) for entry in of_kind.get(kind, ()))
        return [region for region in made if region is not None]


def _attributes(entry: dict[str, Any]) -> tuple[int, list[object]]:
    return as_id(entry["object_id"], "object_id"), _list(entry.get("attributes") or [])


def _list(value: object) -> list[object]:
    """Return a text, or a list of texts, as a list."""
    return value if isinstance(value, list) else [value]
