"""COCO's `instances_*.json`: each object's category is what is said of its box."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.region_phrases.checked_regions import FoundImage, FoundRegion
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.odd_entries import OddEntries
from preprocess.region_phrases.tally import Tally

SOURCE = "it is in COCO's annotations_trainval2014.zip"
HINT = f"not a COCO instance file; {SOURCE}"


def read_coco_instances(
    paths: Sequence[Path], image_folder: str | None, choice: ImageChoice, tally: Tally
) -> Iterator[FoundImage]:
    """Yield the images of instance files, in their order, one file in memory at a time.

    An annotation of a crowd, whose box is around many objects, is counted and left out; so is an
    entry that lacks what is needed of it, unless no entry of its list has that.

    Args:
        image_folder: folder of the images below the image root; None is told by the name
            `instances_<folder>.json`. Where a split was chosen, its own file names are taken.

    Raises:
        InputError: missing file or lists, a list of other entries, or a name that does not tell
            the folder.
    """
    for path in paths:
        folder = ""
        if choice.split is None:
            folder = _folder(path) if image_folder is None else image_folder
        content = read_json(path, SOURCE)
        try:
            yield from _images(path, content, folder, choice, tally)
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a COCO instance file ({error!r}); {SOURCE}") from error
        del content  # before the next file is read: one has gigabytes


def _folder(path: Path) -> str:
    prefix, _, folder = path.stem.partition("_")
    if prefix != "instances" or not folder:
        raise InputError(
            f"{path}: the name does not tell the image folder (expected "
            "instances_<folder>.json); pass --image_folder, or --split_file"
        )
    return folder


def _images(
    path: Path, content: Any, folder: str, choice: ImageChoice, tally: Tally
) -> Iterator[FoundImage]:
    names = _category_names(path, content["categories"], tally)
    of_image = _annotations_of_images(path, content["annotations"], names, tally)
    images = OddEntries("images", tally, HINT)
    for entry in content["images"]:
        image_id = images.read(_image_id, entry, str(path))
        if image_id is None:
            continue
        name = f"{path}, image {image_id}"
        annotations = of_image.pop(image_id, [])
        if not choice.keeps(image_id, name):
            continue
        objects = [a for a in annotations if not a.get("iscrowd")]
        if n_crowds := len(annotations) - len(objects):
            tally.add("crowd annotations left out", name, n_crowds)
        file_name = choice.file_name(image_id) or _joined(folder, entry["file_name"])
        regions = [FoundRegion(path, a["bbox"], (names[a["category_id"]],)) for a in objects]
        height, width = entry.get("height"), entry.get("width")
        yield FoundImage(path, image_id, file_name, height, width, regions)
    images.check()
    for image_id, annotations in of_image.items():
        kind = "annotations of images that the file does not list left out"
        tally.add(kind, f"{path}, image {image_id}", len(annotations))


def _category_names(path: Path, listed: Sequence[Any], tally: Tally) -> dict[int, str]:
    """Return the names by the categories' ids."""
    categories = OddEntries("categories", tally, HINT)
    names: dict[int, str] = {}
    for entry in listed:
        names |= categories.read(lambda e: {e["id"]: _text(e["name"])}, entry, str(path)) or {}
    categories.check()
    return names


def _annotations_of_images(
    path: Path, listed: Sequence[Any], names: Mapping[int, str], tally: Tally
) -> dict[int, list[dict[str, Any]]]:
    """Return the annotations by image: each has a box and a known category, or is a crowd's."""

    def image_of(annotation: dict[str, Any]) -> int:
        is_crowd = annotation.get("iscrowd")
        if not is_crowd and not ("bbox" in annotation and annotation["category_id"] in names):
            image = annotation.get("image_id")
            raise InputError(f"image {image}: expected bbox, and a category_id of the categories")
        return as_id(annotation["image_id"], "image id")

    annotations = OddEntries("annotations", tally, HINT)
    of_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for annotation in listed:
        image_id = annotations.read(image_of, annotation, str(path))
        if image_id is not None:
            of_image[image_id].append(annotation)
    annotations.check()
    return of_image


def _image_id(entry: dict[str, Any]) -> int:
    _text(entry["file_name"])
    return as_id(entry["id"], "image id")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InputError(f"expected a text, found {value!r:.40}")
    return value


def _joined(folder: str, file_name: str) -> str:
    return f"{folder}/{file_name}" if folder else file_name
