"""People in unusual poses or views; all people here are drawn by chance."""

import math

import numpy as np
import pytest

from error_analysis.reasons.images.people import KEYPOINTS, People
from error_analysis.reasons.images.poses import (
    boxed_keypoints,
    lies,
    mean_pose,
    mirrored,
    pose_distances,
    pose_reasons,
)
from tests.error_analysis.reasons.images.drawn_people import (
    UPRIGHT,
    WIDTH,
    annotation,
    people_of,
)


def crowd(n=40, seed=0, hidden=0.1) -> list[dict]:
    """One person an image, of differing size, place and pose; some keypoints are not labelled."""
    generator = np.random.default_rng(seed)
    people = []
    for image_id in range(1, n + 1):
        points = (UPRIGHT + generator.normal(0, 4, (17, 2))) * generator.uniform(1, 3)
        points += generator.uniform(20, 100, 2)
        low, high = points.min(axis=0) - 1, points.max(axis=0) + 1
        labelled = np.flatnonzero(generator.random(17) >= hidden)
        people.append(annotation(image_id, points, (*low, *(high - low)), labelled=labelled))
    return people


def changed(people, change) -> list[dict]:
    """The same people, their points (n, 2) and the corners of their boxes changed."""
    result = []
    for person in people:
        x, y, width, height = person["bbox"]
        corners = change(np.array([(x, y), (x + width, y + height)]))
        low, high = corners.min(axis=0), corners.max(axis=0)
        keypoints = np.reshape(person["keypoints"], (17, 3))
        is_labelled = keypoints[:, 2:] > 0
        points = np.where(is_labelled, change(keypoints[:, :2]), 0)
        box = [*low.tolist(), *(high - low).tolist()]
        told = np.column_stack([points, keypoints[:, 2]]).ravel().tolist()
        result.append(person | {"bbox": box, "keypoints": told})
    return result


def in_mirror(people) -> list[dict]:
    """The same people as a mirror shows them; whose left eye it was, it is the right one now."""
    order = [KEYPOINTS.index(name) for name in SWAPPED]
    result = []
    for person in changed(people, lambda points: points * (-1, 1) + (WIDTH, 0)):
        keypoints = np.reshape(person["keypoints"], (17, 3))[order]
        result.append(person | {"keypoints": keypoints.ravel().tolist()})
    return result


SWAPPED = [
    f"right_{name[5:]}" if name.startswith("left_")
    else f"left_{name[6:]}" if name.startswith("right_") else name
    for name in KEYPOINTS
]  # fmt: skip


def boxed_of(people: People) -> np.ndarray:
    return boxed_keypoints([person for of_image in people.values() for person in of_image])


def distances_of(people: People) -> np.ndarray:
    boxed = boxed_of(people)
    return pose_distances(boxed, mean_pose(boxed))


def slow_pose(person) -> dict[str, tuple[float, float]]:
    x, y, width, height = person["bbox"]
    unit = max(width, height)
    return {
        name: ((px - x - width / 2) / unit, (py - y - height / 2) / unit)
        for name, (px, py, kind) in zip(
            KEYPOINTS, np.reshape(person["keypoints"], (17, 3)), strict=True
        )
        if kind
    }


def slow_distances(people) -> list[float]:
    every = [slow_pose(person) for person in people]
    whole = [pose for pose in every if len(pose) >= 15]
    mean = {}
    for name in KEYPOINTS:
        own = [pose[name] for pose in whole if name in pose]
        mean[name] = (sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own))
    found = []
    for pose in every:
        other = {SWAPPED[KEYPOINTS.index(name)]: (-x, y) for name, (x, y) in pose.items()}
        both = []
        for one in (pose, other):
            squares = [math.dist(point, mean[name]) ** 2 for name, point in one.items()]
            both.append(math.sqrt(sum(squares) / len(squares)))
        found.append(min(both))
    return found


def test_distances_from_the_mean_are_those_of_a_slow_loop(tmp_path):
    people = crowd()
    assert any(np.count_nonzero(person["keypoints"][2::3]) < 15 for person in people)
    found = distances_of(people_of(tmp_path, people))
    assert found == pytest.approx(slow_distances(people), rel=1e-12)


def test_neither_place_nor_size_changes_a_distance(tmp_path):
    people = crowd()
    expected = distances_of(people_of(tmp_path, people))
    for change in (lambda points: points + np.array([31, 17]), lambda points: points * 0.37):
        moved = changed(people, change)
        assert distances_of(people_of(tmp_path, moved)) == pytest.approx(expected, rel=1e-9)


def test_a_mirrored_gallery_has_the_same_distances_and_so_has_one_mirrored_person(tmp_path):
    people = crowd()
    poses = people_of(tmp_path, people)
    expected = distances_of(poses)
    assert distances_of(people_of(tmp_path, in_mirror(people))) == pytest.approx(expected)
    boxed = boxed_of(poses)
    mean = mean_pose(boxed)
    assert pose_distances(mirrored(boxed), mean) == pytest.approx(expected)
    assert not np.allclose(mirrored(boxed), boxed, equal_nan=True)
    assert np.array_equal(mirrored(mirrored(boxed)), boxed, equal_nan=True)


def told(tmp_path, *people) -> str | None:
    reason = pose_reasons(people_of(tmp_path, people)).get(1)
    return reason and reason.evidence


def test_a_main_person_with_few_visible_keypoints_is_told(tmp_path):
    assert told(tmp_path, annotation(1)) is None
    few = "the largest person: 5 of 17 keypoints visible"
    assert told(tmp_path, annotation(1, visible=range(5))) == few
    assert told(tmp_path, annotation(1, visible=range(6))) is None
    [reason] = pose_reasons(people_of(tmp_path, [annotation(1, visible=range(5))])).values()
    assert reason.name == "unusual pose or view"


def test_a_small_person_or_one_beside_a_larger_one_is_no_main_object(tmp_path):
    box = (200, 100, 100, 150)  # 4.9 % of the image
    few = annotation(1, UPRIGHT + box[:2], box, visible=range(5))
    assert told(tmp_path, few) is None
    larger = annotation(1, box=(100, 100, 300, 300), labelled=[])
    assert told(tmp_path, annotation(1, visible=range(5)), larger) is None


def test_less_than_half_is_few_of_who_is_cut_off(tmp_path):
    box = (200, 176, 120, 300)
    cut = annotation(1, UPRIGHT * 3 + box[:2], box, visible=range(8))
    expected = "the largest person: 8 of 17 keypoints visible, cut off at the image's edge"
    assert told(tmp_path, cut) == expected
    assert told(tmp_path, annotation(1, visible=range(8))) is None
    assert told(tmp_path, cut | annotation(1, UPRIGHT * 3 + box[:2], box)) is None


def test_of_a_stray_limb_nothing_is_told(tmp_path):
    assert told(tmp_path, annotation(1, labelled=[9, 7])) is None
    expected = "the largest person: 3 of 17 keypoints visible"
    assert told(tmp_path, annotation(1, labelled=[9, 7, 5])) == expected


def test_one_pose_in_twenty_is_the_farthest_from_the_mean(tmp_path):
    people = crowd(40, hidden=0)
    reasons = pose_reasons(people_of(tmp_path, people))
    farthest = np.argsort(slow_distances(people))[-2:] + 1
    assert reasons.keys() == set(farthest.tolist())
    assert reasons[farthest[1]].evidence == (
        "the largest person: pose farther from the mean than 97 % of 40"
    )
    assert pose_reasons(people_of(tmp_path, crowd(19, hidden=0))) == {}


def test_equal_poses_are_equally_far(tmp_path):
    people = [
        person
        for i in range(1, 41)
        for person in changed([annotation(i)], lambda points, i=i: points * (0.5 + i / 90) + i / 7)
    ]
    assert pose_reasons(people_of(tmp_path, people)) == {}


def turned(degrees, image_id=1) -> dict:
    """Somebody whose head points this many degrees away from upwards."""
    angle = np.radians(degrees)
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    points = (UPRIGHT - UPRIGHT.mean(axis=0)) @ turn * 3 + (320, 240)
    low, high = points.min(axis=0) - 6, points.max(axis=0) + 6
    return annotation(image_id, points, (*low, *(high - low)))


@pytest.mark.parametrize(
    ("degrees", "is_lying"), [(0, False), (58, False), (-58, False), (62, True), (-62, True),
                              (90, True), (135, True), (180, True)],
)  # fmt: skip
def test_who_lies_or_is_upside_down_is_told_by_hips_and_shoulders(tmp_path, degrees, is_lying):
    boxed = boxed_of(people_of(tmp_path, [turned(degrees)]))
    assert lies(boxed).tolist() == [is_lying]
    boxed[0, KEYPOINTS.index("left_hip")] = np.nan
    assert lies(boxed).tolist() == [False]


def test_somebody_upside_down_is_far_from_the_mean(tmp_path):
    people = [*crowd(39, hidden=0), turned(180, 40)]
    reasons = pose_reasons(people_of(tmp_path, people))
    expected = (
        "the largest person: pose farther from the mean than 97 % of 40, lying or upside down"
    )
    assert reasons[40].evidence == expected


def test_without_a_whole_person_and_for_a_box_without_a_size_no_distance_is_told(tmp_path):
    parts = [person | annotation(person["image_id"], labelled=range(14)) for person in crowd()]
    assert np.isnan(distances_of(people_of(tmp_path, parts))).all()
    flat = [*crowd(39, hidden=0), annotation(40, box=(200, 100, 0, 0))]
    assert np.isnan(distances_of(people_of(tmp_path, flat))).tolist() == [False] * 39 + [True]
    assert 40 not in pose_reasons(people_of(tmp_path, flat))
