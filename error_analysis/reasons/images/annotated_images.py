"""What several annotation files tell of images, joined: each image in one file, and all of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from preprocess.base.errors import InputError

OfImage = TypeVar("OfImage")


def join_by_image(
    parts: Sequence[tuple[Path, dict[int, OfImage]]], image_ids: Sequence[int], kind: str
) -> dict[int, OfImage]:
    """Join what each file tells by image id.

    Args:
        image_ids: those that must be there.
        kind: of COCO's files, as their names begin: "instances".

    Raises:
        InputError: two files have one image, or none has an image.
    """
    joined: dict[int, OfImage] = {}
    file_of: dict[int, Path] = {}
    for path, found in parts:
        twice = joined.keys() & found.keys()
        if twice:
            raise InputError(
                f"{path}: has {len(twice):,} images, such as {min(twice)}, that "
                f"{file_of[min(twice)]} has; expected each image in one file; leave one of the "
                "files out"
            )
        joined |= found
        file_of |= dict.fromkeys(found, path)
    source = " and ".join(str(path) for path, _ in parts)
    missing = [image_id for image_id in image_ids if image_id not in joined]
    if missing:
        raise InputError(
            f"{source}: {kind} of other images: expected the {len(image_ids):,} images of "
            f"the split, found {len(joined):,} of them (not image {missing[0]}); give the {kind}, "
            "in COCO's format, of all images of the split (COCO's own: those of val and test are "
            f"in {kind}_val2014.json, train's in {kind}_train2014.json and that)"
        )
    return joined
