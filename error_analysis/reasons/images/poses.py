"""People in unusual poses or views, by COCO's person keypoints.

The bounds below are chosen by what they mean. They were not fitted to failures, and those of poses
not tried on COCO, whose keypoints could not be reached where this was written. Of the images with a
pose, 5 % are by construction the farthest from the mean pose. How many people are hardly seen is a
matter of the gallery; the odds ratio tells whether hard images have them more often.

A box that holds only a part of a person is as good a frame as one that holds all: half-length
portraits are far from the mean of whole people, as views, whatever their pose.
"""

from collections.abc import Sequence

import numpy as np

from error_analysis.reasons.images.people import KEYPOINTS, People, Person
from error_analysis.reasons.reason import Reason

POSE_NAME = "unusual pose or view"
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
# Degrees from vertical of the line from hips to shoulders: 45 is still somebody leaning over.
LYING = 60.0
# Of those named in pairs the left one has the odd index.
_MIRROR = [0, *(i + 1 if i % 2 else i - 1 for i in range(1, len(KEYPOINTS)))]
_UPPER = [KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
_LOWER = [KEYPOINTS.index(f"{side}_hip") for side in ("left", "right")]


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


def pose_reasons(people_of: People) -> dict[int, Reason]:
    """Return the reason of each image whose largest person is hardly seen, or has a rare pose.

    It is the largest of those with `LEAST_LABELLED` keypoints. Evidence such as "the largest
    person: 5 of 17 keypoints visible, cut off at the image's edge, pose farther from the mean than
    97 % of 812": so many images have such a person.
    """
    mean = mean_pose(boxed_keypoints([p for people in people_of.values() for p in people]))
    largest: dict[int, Person] = {}
    for image_id, people in people_of.items():
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
        told = _hardly_seen(person, people_of[image_id][0])
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
