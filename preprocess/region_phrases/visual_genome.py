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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.region_phrases.checked_regions import FoundImage, FoundRegion
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.json_list import list_members

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
    without `objects.json` those of `attributes.json` are taken.

    Raises:
        InputError: missing or cut files or members, or a URL that has no file name.
    """
    path = files[IMAGE_DATA]
    listed = read_json(path, SOURCE)
    if not isinstance(listed, list):
        raise InputError(f"{path}: expected a list of images; {SOURCE}")
    others = {kind: _ByImage(files[kind], MEMBERS[kind]) for kind in MEMBERS if kind in files}
    for entry in listed:
        with _naming(path, entry):
            image_id = as_id(entry["image_id"], "image id")
            coco_id = None if entry["coco_id"] is None else as_id(entry["coco_id"], "coco_id")
            file_name = _file_name(entry["url"])
            size = entry.get("height"), entry.get("width")
        of_kind = {kind: other.take(image_id) for kind, other in others.items()}
        if choice.keeps(coco_id, f"{path}, image {image_id}"):
            yield FoundImage(path, image_id, file_name, *size, _regions(image_id, of_kind, files))


@contextmanager
def _naming(path: Path | None, what: object) -> Iterator[None]:
    """Name the file in the errors of the block, and what of it is not as expected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: {what!s:.60}: found no member {error}; {SOURCE}") from error
    except InputError as error:
        raise InputError(f"{path}: {what!s:.60}: {error}; {SOURCE}") from error


def _file_name(url: str) -> str:
    """Return "VG_100K_2/1.jpg" of a URL that ends so."""
    parts = PurePosixPath(urlparse(url).path).parts[-2:]
    if len(parts) < 2 or parts[0] == "/":
        raise InputError(f"url {url!r}: expected one that ends with a folder and a file name")
    return "/".join(parts)


class _ByImage:
    """The entries of a file by image, read ahead no further than needed."""

    def __init__(self, path: Path, member: str) -> None:
        self.path = path
        self._member = member
        self._entries = list_members(path, SOURCE)
        self._passed: dict[int, list[dict[str, Any]]] = {}

    def take(self, image_id: int) -> list[dict[str, Any]]:
        """Return an image's entries, once; none where the file does not have it."""
        while image_id not in self._passed:
            entry = next(self._entries, None)
            if entry is None:
                return []
            with _naming(self.path, entry):
                own_id = as_id(entry["id"] if "id" in entry else entry["image_id"], "image id")
                self._passed[own_id] = entry[self._member]
        return self._passed.pop(image_id)


def _regions(
    image_id: int, of_kind: Mapping[str, list[dict[str, Any]]], files: Mapping[str, Path]
) -> list[FoundRegion]:
    regions: list[FoundRegion] = []
    attributes: dict[int, list[object]] = defaultdict(list)
    image = f"image {image_id}"
    kind = "region_descriptions"
    with _naming(files.get(kind), image):
        for entry in of_kind.get(kind, ()):
            box = [entry[side] for side in ("x", "y", "width", "height")]
            regions.append(FoundRegion(files[kind], box, (entry["phrase"],)))
    kind = "attributes"
    with _naming(files.get(kind), image):
        for entry in of_kind.get(kind, ()):
            attributes[entry["object_id"]] += entry.get("attributes") or ()
    kind = "objects" if "objects" in of_kind else "attributes"
    with _naming(files.get(kind), image):
        for entry in of_kind.get(kind, ()):
            ids = [entry["object_id"], *(entry.get("merged_object_ids") or ())]
            own = [attribute for i in ids for attribute in attributes.get(i, ())]
            box = [entry[side] for side in ("x", "y", "w", "h")]
            regions.append(FoundRegion(files[kind], box, entry["names"], own))
    return regions
