"""Readers of the three annotation formats that splits are made of.

Real files have odd entries: a caption without text, an image without captions. They are left out,
and named. What cannot be understood at all is an error.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id
from preprocess.captions.legacy import read_caption_pt, read_key_tsv
from preprocess.captions.split_file import Caption, CaptionedImage, Split

KARPATHY_SOURCE = "it is in Karpathy's caption_datasets.zip"
COCO_SOURCE = "it is in COCO's annotations_trainval2014.zip"


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds.

    Attributes:
        splits: by name, images in the order of the file.
        odd: a line for each caption or image that is left out, or was corrected.
    """

    splits: dict[str, Split]
    odd: tuple[str, ...]


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
    with _naming(path, "Karpathy's format", KARPATHY_SOURCE):
        dataset = content["dataset"]
        for image in content["images"]:
            split = "train" if image["split"] == "restval" else image["split"]
            captioned = _captioned(
                image["cocoid"] if "cocoid" in image else image["imgid"],
                _joined(image.get("filepath"), image["filename"]),
                ((s["sentid"], s["raw"]) for s in image["sentences"]),
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


def _captioned(
    image_id: Any, file_name: str, captions: Iterable[tuple[Any, Any]], odd: list[str]
) -> CaptionedImage:
    """Return an image with those of its captions (id, text) that have text; name the others."""
    image_id, kept = as_id(image_id, "image id"), []
    for caption_id, text in captions:
        caption_id = as_id(caption_id, "caption id")
        name = f"caption {caption_id} of image {image_id}"
        whole = text.encode("utf-8", "ignore").decode() if isinstance(text, str) else ""
        if not whole.strip():
            odd.append(f"{name} has no text")
            continue
        if whole != text:
            odd.append(f"{name} had half of a character, which is taken out")
        kept.append(Caption(caption_id, whole))
    if not kept:
        odd.append(f"image {image_id} has no caption")
    return CaptionedImage(image_id, file_name, tuple(kept))


@contextmanager
def _naming(path: Path, expected: str, source: str) -> Iterator[None]:
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
    captions: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
    odd: list[str] = []
    with _naming(path, "a COCO caption file", COCO_SOURCE):
        for annotation in content["annotations"]:
            image_id = as_id(annotation["image_id"], "image id")
            captions[image_id].append((annotation["id"], annotation["caption"]))
        images = [
            _captioned(
                image["id"],
                _joined(image_folder, image["file_name"]),
                captions.pop(as_id(image["id"], "image id"), ()),
                odd,
            )
            for image in content["images"]
        ]
        if captions:
            raise InputError(
                f"captions of image {next(iter(captions))!r}, which the file does not list"
            )
        return _one_split("coco", split, path.name, images, odd)


def _one_split(
    dataset: str, split: str, source: str, images: list[CaptionedImage], odd: list[str]
) -> Annotations:
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
        numbered = enumerate(captions[key], next_caption_id)
        images.append(_captioned(key, file_name_of(key), numbered, odd))
        next_caption_id += len(captions[key])
    return _one_split("coco", split, captions_path.name, images, odd)
