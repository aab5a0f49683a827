"""A split: its images in order, each with its captions, and the JSON file that holds it.

{"dataset", "split", "source", "images": [{"image_id", "file_name",
 "captions": [{"caption_id", "caption"}]}]}
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from preprocess.errors import InputError
from preprocess.files import read_json, write_json

MADE_BY = "make it with `python -m preprocess.splits`"


@dataclass(frozen=True, slots=True)
class Caption:
    """One sentence about an image."""

    caption_id: int
    caption: str


@dataclass(frozen=True, slots=True)
class CaptionedImage:
    """An image and its 1..n captions; `file_name` is relative to the image root."""

    image_id: int
    file_name: str
    captions: tuple[Caption, ...]


@dataclass(frozen=True)
class Split:
    """Images in the order of their source. Captions are numbered image by image in that order.

    Raises:
        InputError: no image, an image without captions, an empty caption, a duplicate image id
            or caption id, or a file name that leaves the image root.
    """

    dataset: str
    split: str
    source: str
    images: tuple[CaptionedImage, ...]

    def __post_init__(self) -> None:
        name = f"split {self.split!r} of {self.source}"
        if not self.images:
            raise InputError(f"{name}: expected at least one image, found none")
        for image in self.images:
            if not image.captions:
                raise InputError(f"{name}: image {image.image_id} has an empty caption list")
            for caption in image.captions:
                if not caption.caption.strip():
                    raise InputError(
                        f"{name}: caption {caption.caption_id} of image {image.image_id} is empty"
                    )
            path = PurePosixPath(image.file_name)
            if path.is_absolute() or ".." in path.parts:
                raise InputError(
                    f"{name}: file_name {image.file_name!r} of image {image.image_id} must be "
                    "relative to the image root and stay inside it"
                )
        _check_unique(name, "image id", self.image_ids)
        _check_unique(name, "caption id", self.caption_ids)

    @cached_property
    def image_ids(self) -> np.ndarray:
        """(n_images,) int64."""
        return np.array([image.image_id for image in self.images], np.int64)

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


def _check_unique(name: str, what: str, ids: np.ndarray) -> None:
    if len(np.unique(ids)) != len(ids):
        repeated, times = Counter(ids.tolist()).most_common(1)[0]
        raise InputError(f"{name}: {what} {repeated} occurs {times} times, expected once")


def _images_to_json(split: Split) -> list[dict]:
    return [
        {
            "image_id": image.image_id,
            "file_name": image.file_name,
            "captions": [
                {"caption_id": c.caption_id, "caption": c.caption} for c in image.captions
            ],
        }
        for image in split.images
    ]


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

    Raises:
        InputError: the file is missing, is not JSON, lacks a key, or breaks a rule of `Split`.
    """
    content = read_json(path, MADE_BY)
    try:
        images = tuple(
            CaptionedImage(
                int(image["image_id"]),
                str(image["file_name"]),
                tuple(Caption(int(c["caption_id"]), str(c["caption"])) for c in image["captions"]),
            )
            for image in content["images"]
        )
        return Split(content["dataset"], content["split"], content["source"], images)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a split file ({error!r}); {MADE_BY}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
