"""The people of images, by COCO's person keypoints."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from error_analysis.reasons.images.annotated_images import join_by_image
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id

KEYPOINTS_SOURCE = "it is in COCO's annotations_trainval2014.zip (person_keypoints_val2014.json)"
_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
KEYPOINTS = ("nose", *(f"{side}_{part}" for part in _SIDED for side in ("left", "right")))
# Share of a side within which a box touches the edge: annotators miss it by some pixels.
EDGE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A person in an image.

    Attributes:
        box: x, y of the upper left corner, width and height, in pixels.
        share: the box's share of the image's area, in [0, 1].
        cut_off: the box touches the image's edge.
        keypoints: (17, 3) float64 in the order of `KEYPOINTS`: x and y in pixels, and 0 where it is
            not labelled (x and y mean nothing), 1 labelled but hidden, 2 visible.
    """

    box: tuple[float, float, float, float]
    share: float
    cut_off: bool
    keypoints: np.ndarray

    @property
    def n_labelled(self) -> int:
        return int(np.count_nonzero(self.keypoints[:, 2] > 0))

    @property
    def n_visible(self) -> int:
        return int(np.count_nonzero(self.keypoints[:, 2] == 2))


# The people by image id, largest box first; none where an image shows nobody.
People = dict[int, tuple[Person, ...]]


def read_people(paths: Sequence[Path], image_ids: Iterable[int]) -> People:
    """Read the people of images from COCO's person keypoints; crowds are left out.

    Args:
        paths: one file, or several that have images of their own (those of train and of val).
        image_ids: those of the gallery; others in the files are left out.

    Raises:
        InputError: a file is missing, of another format or damaged, the files have an image twice,
            or they are of other images.
    """
    wanted = [int(image_id) for image_id in image_ids]
    parts = [(path, _read_file(path, set(wanted))) for path in paths]
    return join_by_image(parts, wanted, "person_keypoints")


def _read_file(path: Path, wanted: set[int]) -> People:
    """Read the people of those of the wanted images that one file has, largest first."""
    content = read_json(path, KEYPOINTS_SOURCE)
    try:
        sizes = {
            as_id(image["id"], "image id"): (image["width"], image["height"])
            for image in content["images"]
        }
        # Files of other keypoints, or none (the instances), would be read as nonsense.
        of_people = {
            as_id(category["id"], "category id")
            for category in content["categories"]
            if tuple(category.get("keypoints", ())) == KEYPOINTS
        }
        if not of_people:
            raise InputError(f"expected a category with COCO's {len(KEYPOINTS)} keypoints")
        found: dict[int, list[Person]] = {image_id: [] for image_id in wanted & sizes.keys()}
        for annotation in content["annotations"]:
            image_id = as_id(annotation["image_id"], "image id")
            if image_id not in sizes:
                raise InputError(f"annotations of image {image_id}, which the file does not list")
            is_person = as_id(annotation["category_id"], "category id") in of_people
            if image_id in found and is_person and not annotation.get("iscrowd"):
                found[image_id].append(_person(annotation, *sizes[image_id]))
    except InputError as error:
        raise InputError(f"{path}: {error}; {KEYPOINTS_SOURCE}") from error
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not a COCO person keypoints file ({error!r}); {KEYPOINTS_SOURCE}"
        ) from error
    return {i: tuple(sorted(own, key=lambda p: -p.share)) for i, own in found.items()}


def _person(annotation: dict[str, Any], width: float, height: float) -> Person:
    """Return an annotation's person, in an image of this many pixels."""
    of = f"annotation {annotation.get('id')} of image {annotation['image_id']}"
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise InputError(f"{of}: expected an image with a size, found {width} x {height}")
    x, y, box_width, box_height = annotation["bbox"]
    sides = x, y, box_width, box_height
    if not all(map(math.isfinite, sides)) or min(sides[2:]) < 0:
        raise InputError(f"{of}: expected a box of finite numbers, found {annotation['bbox']}")
    keypoints = np.array(annotation["keypoints"], np.float64)
    if (
        keypoints.shape != (3 * len(KEYPOINTS),)
        or not np.isfinite(keypoints).all()
        or not np.isin(keypoints[2::3], (0, 1, 2)).all()
    ):
        raise InputError(
            f"{of}: expected {len(KEYPOINTS)} times x, y and 0, 1 or 2, found "
            f"{str(annotation['keypoints'])[:40]} ..."
        )
    margin_x, margin_y = EDGE * width, EDGE * height
    return Person(
        box=(x, y, box_width, box_height),
        share=min(1.0, box_width * box_height / (width * height)),
        cut_off=x <= margin_x
        or y <= margin_y
        or x + box_width >= width - margin_x
        or y + box_height >= height - margin_y,
        keypoints=keypoints.reshape(-1, 3),
    )
