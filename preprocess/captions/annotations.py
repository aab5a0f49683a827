"""Readers of the annotation formats that splits are made of.

Real files have odd entries: a caption without text, an image without captions. They are left out,
and named. What cannot be understood at all is an error.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id, id_reader
from preprocess.captions.legacy import read_caption_pt, read_key_tsv
from preprocess.captions.split_file import Caption, CaptionedImage, Split

# An id, and its name where the file has names.
Id = tuple[int, str | None]

KARPATHY_SOURCE = "it is in Karpathy's caption_datasets.zip"
COCO_SOURCE = "it is in COCO's annotations_trainval2014.zip"


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds.

    Attributes:
        splits: by name, images in the order of the file.
        odd: a line for each caption or image that is left out, or was corrected.
        told: lines that say what the format itself marks to be left out, and how much.
        text_detected: whether an image shows text, by its id, where the file tells.
    """

    splits: dict[str, Split]
    odd: tuple[str, ...]
    told: tuple[str, ...] = ()
    text_detected: Mapping[int, bool] = field(default_factory=dict)


def read_karpathy(path: Path) -> Annotations:
    """Read `dataset_coco.json` (or Flickr30k's, Flickr8k's).

    The images marked `restval` belong to `train` (Karpathy & Fei-Fei 2015; 113,287 images).

    Raises:
        InputError: missing file, missing keys, no image, an image in two splits, or a split that
            breaks a rule of `Split`.
    """
    content = read_json(path, KARPATHY_SOURCE)
    members: dict[str, list[CaptionedImage]] = defaultdict(list)
    split_of: dict[int, str] = {}
    odd: list[str] = []
    with naming(path, "Karpathy's format", KARPATHY_SOURCE):
        dataset = content["dataset"]
        for image in content["images"]:
            split = "train" if image["split"] == "restval" else image["split"]
            captioned = captioned_image(
                _number(image["cocoid"] if "cocoid" in image else image["imgid"], "image id"),
                _joined(image.get("filepath"), image["filename"]),
                ((_number(s["sentid"], "caption id"), s["raw"]) for s in image["sentences"]),
                odd,
            )
            other = split_of.setdefault(captioned.image_id, split)
            if other != split:
                raise InputError(f"image {captioned.image_id} is in both {other} and {split}")
            if captioned.captions:
                members[split].append(captioned)
        if not members:
            raise InputError(f"expected at least one image, found none; {KARPATHY_SOURCE}")
        splits = {
            split: Split(dataset, split, path.name, tuple(images))
            for split, images in members.items()
        }
    return Annotations(splits, tuple(odd))


def _number(value: object, what: str) -> Id:
    return as_id(value, what), None


def captioned_image(
    image_id: Id, file_name: str, captions: Iterable[tuple[Id, Any]], odd: list[str]
) -> CaptionedImage:
    """Return an image with those of its captions (id, text) that have text; name the others."""
    number, image_name = image_id
    shown, kept = image_name or number, []
    for (caption_number, caption_name), text in captions:
        name = f"caption {caption_name or caption_number} of image {shown}"
        whole = text.encode("utf-8", "ignore").decode() if isinstance(text, str) else ""
        if not whole.strip():
            odd.append(f"{name} has no text")
            continue
        if whole != text:
            odd.append(f"{name} had half of a character, which is taken out")
        kept.append(Caption(caption_number, whole, caption_name))
    if not kept:
        odd.append(f"image {shown} has no caption")
    return CaptionedImage(number, file_name, tuple(kept), image_name)


@contextmanager
def naming(path: Path, expected: str, source: str) -> Iterator[None]:
    """Name the file in the errors of the block: its own, and those of what is not as expected."""
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not {expected} ({error!r}); {source}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _joined(folder: str | None, file_name: str) -> str:
    return "/".join([folder, file_name]) if folder else file_name


def read_coco_captions(path: Path, split: str, image_folder: str) -> Annotations:
    """Read a COCO caption file such as `captions_val2014.json` as one split, in file order.

    Args:
        image_folder: folder of the images below the image root, such as "val2014"; "" for none.

    Raises:
        InputError: missing file or keys, or a split that breaks a rule of `Split`.
    """
    content = read_json(path, COCO_SOURCE)
    odd: list[str] = []
    with naming(path, "a COCO caption file", COCO_SOURCE):
        images = coco_images(content, image_folder, odd)
        return one_split("coco", split, path.name, images, odd)


def coco_images(content: Any, image_folder: str, odd: list[str]) -> list[CaptionedImage]:
    """Return the images of COCO's format, with and without captions, in file order.

    Raises:
        InputError: an id that is none, or captions of an image that is not there.
    """
    captions: dict[int, list[tuple[Id, Any]]] = defaultdict(list)
    image_id = id_reader([image["id"] for image in content["images"]], "image id")
    caption_id = id_reader([a["id"] for a in content["annotations"]], "caption id")
    for annotation in content["annotations"]:
        number, _ = image_id(annotation["image_id"])
        captions[number].append((caption_id(annotation["id"]), annotation["caption"]))
    images = [
        captioned_image(
            image_id(image["id"]),
            _joined(image_folder, image["file_name"]),
            captions.pop(image_id(image["id"])[0], ()),
            odd,
        )
        for image in content["images"]
    ]
    if captions:
        raise InputError(
            f"captions of image {next(iter(captions))!r}, which the file does not list"
        )
    return images


def one_split(
    dataset: str, split: str, source: str, images: list[CaptionedImage], odd: list[str]
) -> Annotations:
    """Return the images that have captions as one split. Raises InputError as `Split` does."""
    captioned = tuple(image for image in images if image.captions)
    return Annotations({split: Split(dataset, split, source, captioned)}, tuple(odd))


def read_oscar(
    captions_path: Path, keys_path: Path | None, split: str, file_name_of: Callable[[int], str]
) -> Annotations:
    """Read Oscar's captions, in the order of its key file (without one: of the dictionary).

    These files have no caption ids: captions are numbered from 0 in the order of the split, those
    without text too.

    Args:
        file_name_of: image id -> file name below the image root, which the files do not tell.

    Raises:
        InputError: missing or malformed files, a key without captions, or a rule of `Split`.
    """
    captions = read_caption_pt(captions_path)
    keys = read_key_tsv(keys_path) if keys_path else list(captions)
    images, next_caption_id = [], 0
    odd: list[str] = []
    for key in keys:
        if key not in captions:
            raise InputError(f"{captions_path}: no captions for image {key} of {keys_path}")
        numbered = [((i, None), text) for i, text in enumerate(captions[key], next_caption_id)]
        images.append(captioned_image((key, None), file_name_of(key), numbered, odd))
        next_caption_id += len(captions[key])
    return one_split("coco", split, captions_path.name, images, odd)
