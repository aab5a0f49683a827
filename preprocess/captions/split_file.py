"""A split: its images in order, each with its captions, and the JSON file that holds it.

{"dataset", "split", "source", "images": [{"image_id", "file_name",
 "captions": [{"caption_id", "caption"}]}]}

Ids are integers. Names in their place are read as 1, 2, 3, ... in their order, and kept: as
"source_id" beside the integer, in this file and in what is made of it.
"""

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from preprocess.base.errors import InputError, InputWarning
from preprocess.base.files import read_json, write_json
from preprocess.base.ids import id_reader

MADE_BY = "make it with `python -m preprocess.splits`, or by hand as docs/data.md says"


@dataclass(frozen=True, slots=True)
class Caption:
    """One sentence about an image; `source_id` is the name that its source has for an id.

    Raises:
        InputError: the id is no integer of 64 bits, or the caption is no text.
    """

    caption_id: int
    caption: str
    source_id: str | None = None

    def __post_init__(self) -> None:
        _check_id("caption_id", self.caption_id)
        _check_text(f"caption {self.caption_id}", self.caption)


@dataclass(frozen=True, slots=True)
class CaptionedImage:
    """An image and its 1..n captions; `file_name` is relative to the image root.

    `source_id` is the name that its source has for an id; None where that is the id.

    Raises:
        InputError: the id is no integer of 64 bits, or the file name is no text.
    """

    image_id: int
    file_name: str
    captions: tuple[Caption, ...]
    source_id: str | None = None

    def __post_init__(self) -> None:
        _check_id("image_id", self.image_id)
        _check_text(f"file_name of image {self.image_id}", self.file_name)


def _check_id(what: str, value: object) -> None:
    # type, not isinstance: True is an int.
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise InputError(f"{what}: expected an integer of 64 bits, found {value!r}")


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"{what}: expected text, found {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what}: found half of a character in {value!r}; correct it") from error


@dataclass(frozen=True)
class Split:
    """Images in the order of their source. Captions are numbered image by image in that order.

    Raises:
        InputError: no image, an image without captions, an empty caption, a duplicate image id
            or caption id, a file name that leaves the image root, or a name of the split that
            cannot name its files.
    """

    dataset: str
    split: str
    source: str
    images: tuple[CaptionedImage, ...]

    def __post_init__(self) -> None:
        for what in ("dataset", "split", "source"):
            _check_text(what, getattr(self, what))
        if self.split in ("", ".", "..") or set(self.split) & set("/\\\0"):
            raise InputError(f"split: expected a name without / or \\, found {self.split!r}")
        name = f"split {self.split!r} of {self.source}"
        check_images(name, self.images)
        for image in self.images:
            if not image.captions:
                raise InputError(f"{name}: image {image.image_id} has an empty caption list")
            for caption in image.captions:
                if not caption.caption.strip():
                    raise InputError(
                        f"{name}: caption {caption.caption_id} of image {image.image_id} is empty"
                    )
        _check_unique(name, "caption id", self.caption_ids)

    @cached_property
    def image_ids(self) -> np.ndarray:
        """(n_images,) int64."""
        return np.array([image.image_id for image in self.images], np.int64)

    @property
    def source_ids(self) -> list[str | None]:
        """The n_images names that the source has for the images' ids; None where it has none."""
        return [image.source_id for image in self.images]

    @cached_property
    def caption_ids(self) -> np.ndarray:
        """(n_captions,) int64, image by image."""
        return np.array([c.caption_id for i in self.images for c in i.captions], np.int64)

    @cached_property
    def captions(self) -> tuple[str, ...]:
        """The n_captions sentences, image by image."""
        return tuple(c.caption for i in self.images for c in i.captions)

    @cached_property
    def caption_image_index(self) -> np.ndarray:
        """(n_captions,) int64: for each caption, the position of its image in `images`."""
        counts = [len(image.captions) for image in self.images]
        return np.repeat(np.arange(len(self.images), dtype=np.int64), counts)

    def first(self, n_images: int, captions_per_image: int | None = None) -> "Split":
        """Return the first images, each with its first captions (None: with all)."""
        images = tuple(
            replace(image, captions=image.captions[:captions_per_image])
            for image in self.images[:n_images]
        )
        return replace(self, images=images)

    @cached_property
    def sha256(self) -> str:
        """Hash of the images and captions in order, whatever file they were read from."""
        return hashlib.sha256(json.dumps(_images_to_json(self)).encode()).hexdigest()


def check_images(name: str, images: Sequence[CaptionedImage]) -> None:
    """Raise InputError for no image, a file name that leaves the image root, or an id twice.

    Args:
        name: of what has them, in the error line.
    """
    if not images:
        raise InputError(f"{name}: expected at least one image, found none")
    for image in images:
        path = PurePosixPath(image.file_name)
        if not path.parts or path.is_absolute() or ".." in path.parts:
            raise InputError(
                f"{name}: file_name {image.file_name!r} of image {image.image_id} must be "
                "relative to the image root and stay inside it"
            )
    _check_unique(name, "image id", np.array([image.image_id for image in images], np.int64))


def _check_unique(name: str, what: str, ids: np.ndarray) -> None:
    if len(np.unique(ids)) != len(ids):
        repeated, times = Counter(ids.tolist()).most_common(1)[0]
        raise InputError(f"{name}: {what} {repeated} occurs {times} times, expected once")


def _images_to_json(split: Split) -> list[dict]:
    return [
        {
            "image_id": image.image_id,
            **_named(image.source_id),
            "file_name": image.file_name,
            "captions": [
                {"caption_id": c.caption_id, **_named(c.source_id), "caption": c.caption}
                for c in image.captions
            ],
        }
        for image in split.images
    ]


def _named(source_id: str | None) -> dict[str, str]:
    return {} if source_id is None else {"source_id": source_id}


def write_split(path: Path, split: Split) -> None:
    """Write the split file, atomically."""
    content = {
        "dataset": split.dataset,
        "split": split.split,
        "source": split.source,
        "images": _images_to_json(split),
    }
    write_json(path, content, indent=1)


def read_split(path: Path) -> Split:
    """Read and validate a split file.

    A part of the public interface (docs/python.md). An `InputWarning` tells of pictures that stand
    under several image ids.

    Raises:
        InputError: the file is missing, is not JSON, lacks a key, or breaks a rule of `Split` and
            its members.
    """
    content = read_json(path, MADE_BY)
    try:
        entries = content["images"]
        image_id = id_reader([image["image_id"] for image in entries], "image_id")
        caption_id = id_reader(
            [c["caption_id"] for image in entries for c in image["captions"]], "caption_id"
        )
        images = tuple(
            CaptionedImage(
                number,
                image["file_name"],
                tuple(
                    Caption(own, c["caption"], c.get("source_id", own_name))
                    for c in image["captions"]
                    for own, own_name in [caption_id(c["caption_id"])]
                ),
                image.get("source_id", name),
            )
            for image in entries
            for number, name in [image_id(image["image_id"])]
        )
        split = Split(content["dataset"], content["split"], content["source"], images)
    except KeyError as error:
        raise InputError(f"{path}: not a split file: found no member {error}; {MADE_BY}") from error
    except TypeError as error:
        raise InputError(
            f"{path}: not a split file: expected objects with lists of objects ({error}); {MADE_BY}"
        ) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    _warn_of_repeated_files(path, split)
    return split


def _warn_of_repeated_files(path: Path, split: Split) -> None:
    """Warn of pictures that stand under several image ids, as one for each caption.

    All copies of a picture are scored the same, so the first caption is right for one of them.
    """
    times = Counter(image.file_name for image in split.images)
    if len(times) == len(split.images):
        return
    name, most = times.most_common(1)[0]
    several = sum(n > 1 for n in times.values())
    warnings.warn(
        f"{path}: {several:,} file names stand under more than one image_id ({name} under {most}): "
        "of these pictures, captions of the same picture count as wrong, and text retrieval R@1 "
        f"can be {100 * len(times) / len(split.images):.1f} % at most; give each picture one "
        "image_id with all its captions",
        InputWarning,
        stacklevel=3,
    )
