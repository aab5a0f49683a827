"""People in unusual poses or views, by COCO's person keypoints; and main objects that are small.

The bounds below are chosen by what they mean. They were not fitted to failures, and those of poses
not tried on COCO, whose keypoints could not be reached where this was written. Of the images with a
pose, 5 % are by construction the farthest from the mean pose. How many people are hardly seen is a
matter of the gallery; of 90 photographs of COCO's train2014 and val2014, 5 have a small main
object. The odds ratio tells whether hard images have them more often.

A box that holds only a part of a person is as good a frame as one that holds all: half-length
portraits are far from the mean of whole people, as views, whatever their pose.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.reason import Reason
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import as_id

POSE_NAME = "unusual pose or view"
SMALL_NAME = "small main object"
KEYPOINTS_SOURCE = "it is in COCO's annotations_trainval2014.zip (person_keypoints_val2014.json)"
_SIDED = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
KEYPOINTS = ("nose", *(f"{side}_{part}" for part in _SIDED for side in ("left", "right")))
# Fewer are a stray hand or foot, of which neither view nor pose can be told.
LEAST_LABELLED = 3
# Nearly all of the 17, so that the mean is one of whole people.
NEARLY_ALL = 15
# 5 of 17 or fewer: a face alone has 5.
FEW_VISIBLE = 1 / 3
# 8 of 17 or fewer, of somebody cut off: a head, both shoulders and one arm are 9.
FEW_VISIBLE_CUT_OFF = 1 / 2
# Smaller ones stand in the background, where hidden keypoints say nothing of the image.
MAIN_SHARE = 0.05
# Percent of the gallery's poses that an unusual one is farther from the mean than.
FARTHER_THAN = 95
# Share of a side within which a box touches the edge: annotators miss it by some pixels.
EDGE = 0.01
# Degrees from vertical of the line from hips to shoulders: 45 is still somebody leaning over.
LYING = 60.0
# 2 % are 32 x 32 of CLIP's 224 x 224 pixels: one patch of ViT-B/32.
SMALL_SHARE = 0.02
# Of those named in pairs the left one has the odd index.
_MIRROR = [0, *(i + 1 if i % 2 else i - 1 for i in range(1, len(KEYPOINTS)))]
_UPPER = [KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
_LOWER = [KEYPOINTS.index(f"{side}_hip") for side in ("left", "right")]


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


@dataclass(frozen=True)
class Poses:
    """The people of some images.

    Attributes:
        source: the file, or files, that they are from.
        by_image: the people by image id, largest box first; none where an image shows nobody.
    """

    source: str
    by_image: dict[int, tuple[Person, ...]]


def read_poses(paths: Path | Sequence[Path], image_ids: Iterable[int]) -> Poses:
    """Read the people of images from COCO's person keypoints; crowds are left out.

    Args:
        paths: one file, or several that have images of their own (those of train and of val).
        image_ids: those of the gallery; others in the files are left out.

    Raises:
        InputError: a file is missing, of another format or damaged, the files have an image twice,
            or they are of other images.
    """
    paths = [paths] if isinstance(paths, Path) else list(paths)
    source = " and ".join(map(str, paths))
    wanted = [int(image_id) for image_id in image_ids]
    found: dict[int, tuple[Person, ...]] = {}
    for path in paths:
        people = _read_file(path, set(wanted))
        twice = people.keys() & found.keys()
        if twice:
            raise InputError(
                f"{path}: has {len(twice):,} images, such as {min(twice)}, that another of the "
                f"files has ({source}); expected each image in one file; leave one of them out"
            )
        found |= people
    missing = [image_id for image_id in wanted if image_id not in found]
    if missing:
        raise InputError(
            f"{source}: keypoints of other images: expected the {len(wanted):,} images of the "
            f"split, found {len(found):,} of them (not image {missing[0]}); give the keypoints of "
            "all its images (COCO's own: those of val and test are in person_keypoints_val2014."
            "json, train's in person_keypoints_train2014.json and that)"
        )
    return Poses(source, found)


def _read_file(path: Path, wanted: set[int]) -> dict[int, tuple[Person, ...]]:
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


def boxed_keypoints(people: Sequence[Person]) -> np.ndarray:
    """Return keypoints centred on their person's box, in units of its longer side.

    One unit for both directions: who lies is wide, and not stretched to somebody upright.

    Returns:
        (P, 17, 2) float64; NaN where not labelled, or the box has no size.
    """
    keypoints = np.array([person.keypoints for person in people]).reshape(-1, len(KEYPOINTS), 3)
    boxes = np.array([person.box for person in people], np.float64).reshape(-1, 4)
    centres = boxes[:, :2] + boxes[:, 2:] / 2  # (P, 2)
    units = boxes[:, 2:].max(axis=1)  # (P,)
    is_known = (keypoints[..., 2] > 0) & (units[:, None] > 0)  # (P, 17)
    shifted = keypoints[..., :2] - centres[:, None]
    return np.where(is_known[..., None], shifted, np.nan) / np.where(units, units, 1)[:, None, None]


def mirrored(boxed: np.ndarray) -> np.ndarray:
    """Return (P, 17, 2) poses as a mirror shows them: what was left is right."""
    return boxed[:, _MIRROR] * (-1, 1)


def mean_pose(boxed: np.ndarray) -> np.ndarray:
    """Return the mean of those of (P, 17, 2) poses that have nearly all keypoints.

    Returns:
        (17, 2) float64; NaN where a keypoint is never labelled.
    """
    n_labelled = np.count_nonzero(~np.isnan(boxed[..., 0]), axis=1)
    return _mean_of_known(boxed[n_labelled >= NEARLY_ALL], axis=0)


def pose_distances(boxed: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return how far (P, 17, 2) poses, or their mirror images where nearer, are from the mean.

    Returns:
        (P,) float64, root mean square over labelled keypoints of their distance from the mean's
        (17, 2), in sides of the box; NaN where there is none to compare.
    """
    squares = [((poses - mean) ** 2).sum(axis=2) for poses in (boxed, mirrored(boxed))]
    as_is, in_mirror = (np.sqrt(_mean_of_known(square, axis=1)) for square in squares)
    return np.fmin(as_is, in_mirror)


def _mean_of_known(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the mean of what is not NaN; NaN where all is."""
    n_known = np.count_nonzero(~np.isnan(values), axis=axis)
    return np.where(n_known, np.nansum(values, axis=axis) / np.maximum(n_known, 1), np.nan)


def lies(boxed: np.ndarray) -> np.ndarray:
    """Tell which of (P, 17, 2) poses lie or are upside down; not those without hips or shoulders.

    Returns:
        (P,) bool: the line from hips to shoulders is more than `LYING` degrees from upwards.
    """
    line = boxed[:, _UPPER].mean(axis=1) - boxed[:, _LOWER].mean(axis=1)  # (P, 2), y downwards
    return -line[:, 1] < np.cos(np.radians(LYING)) * np.hypot(line[:, 0], line[:, 1])


def pose_reasons(poses: Poses) -> dict[int, Reason]:
    """Return the reason of each image whose largest person is hardly seen, or has a rare pose.

    It is the largest of those with `LEAST_LABELLED` keypoints. Evidence such as "the largest
    person: 5 of 17 keypoints visible, cut off at the image's edge, pose farther from the mean than
    97 % of 812": so many images have such a person.
    """
    mean = mean_pose(boxed_keypoints([p for people in poses.by_image.values() for p in people]))
    largest: dict[int, Person] = {}
    for image_id, people in poses.by_image.items():
        with_pose = [person for person in people if person.n_labelled >= LEAST_LABELLED]
        if with_pose:
            largest[image_id] = with_pose[0]
    boxed = boxed_keypoints(list(largest.values()))
    # Rounded, so that equal poses at different places are equally far.
    distances = np.round(pose_distances(boxed, mean), 9)
    known = np.sort(distances[~np.isnan(distances)])
    n_nearer = np.where(np.isnan(distances), 0, np.searchsorted(known, distances))
    reasons = {}
    for (image_id, person), nearer, is_lying in zip(
        largest.items(), n_nearer.tolist(), lies(boxed).tolist(), strict=True
    ):
        told = _hardly_seen(person, poses.by_image[image_id][0])
        if nearer and 100 * nearer >= FARTHER_THAN * len(known):
            percent = 100 * nearer // len(known)
            told.append(f"pose farther from the mean than {percent} % of {len(known):,}")
        if told:
            told += ["lying or upside down"] if is_lying else []
            reasons[image_id] = Reason(POSE_NAME, f"the largest person: {', '.join(told)}")
    return reasons


def _hardly_seen(person: Person, largest: Person) -> list[str]:
    """Tell how little is visible of a person, and nothing where it is enough.

    Args:
        largest: of the image's people, whatever is labelled of them.
    """
    visible = person.n_visible / len(KEYPOINTS)
    is_main = person.share == largest.share and person.share >= MAIN_SHARE
    is_few = visible < FEW_VISIBLE and is_main
    if not is_few and not (visible < FEW_VISIBLE_CUT_OFF and person.cut_off):
        return []
    told = [f"{person.n_visible} of {len(KEYPOINTS)} keypoints visible"]
    return [*told, "cut off at the image's edge"] if person.cut_off else told


def small_object_reasons(objects: Objects) -> dict[int, Reason]:
    """Return the reason of each image whose largest object is small.

    Evidence such as "the largest object, a kite, has 0.8 % of the image". Where nothing is marked,
    the main object is none of the categories, and its size unknown.
    """
    reasons = {}
    for image_id, found in objects.by_image.items():
        if found and found[0].share < SMALL_SHARE:
            name, share = found[0].category, found[0].share
            article = "an" if name.startswith(tuple("aeiou")) else "a"
            told = f"the largest object, {article} {name}, has {100 * share:.1f} % of the image"
            reasons[image_id] = Reason(SMALL_NAME, told)
    return reasons
