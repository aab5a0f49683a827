"""People in unusual poses or views, and small main objects; all people here are drawn by chance."""

import json
import math

import numpy as np
import pytest

from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.poses import (
    KEYPOINTS,
    Poses,
    boxed_keypoints,
    lies,
    mean_pose,
    mirrored,
    pose_distances,
    pose_reasons,
    read_poses,
    small_object_reasons,
)
from preprocess.base.errors import InputError

WIDTH, HEIGHT = 640, 480
# Somebody upright who looks at the camera, 40 wide and 100 high.
UPRIGHT = np.array([
    (20, 8), (23, 6), (17, 6), (26, 8), (14, 8), (32, 22), (8, 22), (38, 38), (2, 38),
    (38, 52), (2, 52), (28, 54), (12, 54), (28, 76), (12, 76), (28, 97), (12, 97),
], float)  # fmt: skip
BOX = (200.0, 100.0, 120.0, 300.0)


def keypoints_of(points, visible=range(17), labelled=range(17)) -> np.ndarray:
    """(17, 3) keypoints of points (17, 2), as COCO has them: 0, 0, 0 where not labelled."""
    kinds = np.zeros(17)
    kinds[list(labelled)] = 1
    kinds[[i for i in visible if i in labelled]] = 2
    return np.where(kinds[:, None] > 0, np.column_stack([points, kinds]), 0)


def annotation(image_id, points=UPRIGHT * 3 + BOX[:2], box=BOX, number=7, **which) -> dict:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "bbox": list(box),
        "iscrowd": 0,
        "keypoints": keypoints_of(points, **which).ravel().tolist(),
    }


def write_keypoints(path, annotations=(), ids=(1, 2, 3), **changes):
    content = {
        "images": [{"id": i, "width": WIDTH, "height": HEIGHT} for i in ids],
        "categories": [{"id": 1, "name": "person", "keypoints": list(KEYPOINTS)}],
        "annotations": list(annotations),
    }
    path.write_text(json.dumps(content | changes))
    return path


def poses_of(tmp_path, annotations, ids=None) -> Poses:
    ids = ids or sorted({a["image_id"] for a in annotations})
    return read_poses(write_keypoints(tmp_path / "poses.json", annotations, ids), ids)


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


def boxed_of(poses: Poses) -> np.ndarray:
    return boxed_keypoints([person for people in poses.by_image.values() for person in people])


def distances_of(poses: Poses) -> np.ndarray:
    boxed = boxed_of(poses)
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
    found = distances_of(poses_of(tmp_path, people))
    assert found == pytest.approx(slow_distances(people), rel=1e-12)


def test_neither_place_nor_size_changes_a_distance(tmp_path):
    people = crowd()
    expected = distances_of(poses_of(tmp_path, people))
    for change in (lambda points: points + np.array([31, 17]), lambda points: points * 0.37):
        moved = changed(people, change)
        assert distances_of(poses_of(tmp_path, moved)) == pytest.approx(expected, rel=1e-9)


def test_a_mirrored_gallery_has_the_same_distances_and_so_has_one_mirrored_person(tmp_path):
    people = crowd()
    poses = poses_of(tmp_path, people)
    expected = distances_of(poses)
    assert distances_of(poses_of(tmp_path, in_mirror(people))) == pytest.approx(expected)
    boxed = boxed_of(poses)
    mean = mean_pose(boxed)
    assert pose_distances(mirrored(boxed), mean) == pytest.approx(expected)
    assert not np.allclose(mirrored(boxed), boxed, equal_nan=True)
    assert np.array_equal(mirrored(mirrored(boxed)), boxed, equal_nan=True)


def test_people_are_read_largest_first_without_crowds_and_an_image_may_have_none(tmp_path):
    small = annotation(1, box=(300, 200, 32, 48), visible=range(4), labelled=range(6))
    at_edge = annotation(1, box=(536, 100, 100, 240))
    nearby = annotation(3, box=(530, 100, 100, 240))
    herd = annotation(1, box=(0, 0, 640, 480)) | {"iscrowd": 1}
    poses = poses_of(tmp_path, [small, herd, at_edge, nearby], ids=[1, 2, 3])
    assert list(poses.by_image) == [1, 2, 3]
    assert [p.share for p in poses.by_image[1]] == pytest.approx([24000 / 307200, 1536 / 307200])
    assert [p.cut_off for p in poses.by_image[1]] == [True, False]  # 4 of 640 pixels are the edge
    assert [p.cut_off for p in poses.by_image[3]] == [False]
    assert [(p.n_labelled, p.n_visible) for p in poses.by_image[1]] == [(17, 17), (6, 4)]
    assert poses.by_image[2] == ()
    assert pose_reasons(poses_of(tmp_path, [], ids=[1, 2])) == {}


def told(tmp_path, *people) -> str | None:
    reason = pose_reasons(poses_of(tmp_path, people)).get(1)
    return reason and reason.evidence


def test_a_main_person_with_few_visible_keypoints_is_told(tmp_path):
    assert told(tmp_path, annotation(1)) is None
    few = "the largest person: 5 of 17 keypoints visible"
    assert told(tmp_path, annotation(1, visible=range(5))) == few
    assert told(tmp_path, annotation(1, visible=range(6))) is None
    [reason] = pose_reasons(poses_of(tmp_path, [annotation(1, visible=range(5))])).values()
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
    reasons = pose_reasons(poses_of(tmp_path, people))
    farthest = np.argsort(slow_distances(people))[-2:] + 1
    assert reasons.keys() == set(farthest.tolist())
    assert reasons[farthest[1]].evidence == (
        "the largest person: pose farther from the mean than 97 % of 40"
    )
    assert pose_reasons(poses_of(tmp_path, crowd(19, hidden=0))) == {}


def test_equal_poses_are_equally_far(tmp_path):
    people = [
        person
        for i in range(1, 41)
        for person in changed([annotation(i)], lambda points, i=i: points * (0.5 + i / 90) + i / 7)
    ]
    assert pose_reasons(poses_of(tmp_path, people)) == {}


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
    boxed = boxed_of(poses_of(tmp_path, [turned(degrees)]))
    assert lies(boxed).tolist() == [is_lying]
    boxed[0, KEYPOINTS.index("left_hip")] = np.nan
    assert lies(boxed).tolist() == [False]


def test_somebody_upside_down_is_far_from_the_mean(tmp_path):
    people = [*crowd(39, hidden=0), turned(180, 40)]
    reasons = pose_reasons(poses_of(tmp_path, people))
    expected = (
        "the largest person: pose farther from the mean than 97 % of 40, lying or upside down"
    )
    assert reasons[40].evidence == expected


def test_without_a_whole_person_and_for_a_box_without_a_size_no_distance_is_told(tmp_path):
    parts = [person | annotation(person["image_id"], labelled=range(14)) for person in crowd()]
    assert np.isnan(distances_of(poses_of(tmp_path, parts))).all()
    flat = [*crowd(39, hidden=0), annotation(40, box=(200, 100, 0, 0))]
    assert np.isnan(distances_of(poses_of(tmp_path, flat))).tolist() == [False] * 39 + [True]
    assert 40 not in pose_reasons(poses_of(tmp_path, flat))


def test_files_of_train_and_val_are_read_together(tmp_path):
    val = write_keypoints(tmp_path / "val.json", [annotation(1)])
    train = write_keypoints(tmp_path / "train.json", [annotation(8)], ids=[8, 9])
    poses = read_poses([train, val], [8, 2, 1])
    assert {i: len(people) for i, people in poses.by_image.items()} == {8: 1, 1: 1, 2: 0}
    with pytest.raises(InputError, match=r"train\.json and .*val\.json: keypoints of other images"):
        read_poses([train, val], [8, 77])
    with pytest.raises(InputError, match=r"val\.json: has 2 images, such as 1, that another"):
        read_poses([val, val], [1, 2])


def test_ids_that_are_text_are_read(tmp_path):
    person = annotation("000000000001") | {"category_id": "1"}
    path = write_keypoints(tmp_path / "poses.json", [person], ids=["1"])
    assert len(read_poses(path, [1]).by_image[1]) == 1


def test_other_images_and_a_missing_file_are_one_clear_line(tmp_path):
    path = write_keypoints(tmp_path / "poses.json")
    with pytest.raises(InputError, match=r"expected the 2 images of the split, found 1.*image 77"):
        read_poses(path, [1, 77])
    with pytest.raises(InputError, match=r"none\.json: no such file; .*person_keypoints_val2014"):
        read_poses(tmp_path / "none.json", [1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": [0, 0, math.nan, 5]}, "annotation 7 of image 1: expected a box of"),
        ({"bbox": [0, 0, -1, 5]}, "annotation 7 of image 1: expected a box of"),
        ({"bbox": [0, 0, 5]}, "not a COCO person keypoints file"),
        ({"bbox": None}, "not a COCO person keypoints file"),
        ({"keypoints": [1, 2, 2]}, "annotation 7 of image 1: expected 17 times x, y and 0, 1 or 2"),
        ({"keypoints": [1, 2, 3] * 17}, "annotation 7 of image 1: expected 17 times"),
        ({"keypoints": [1, math.nan, 2] * 17}, "annotation 7 of image 1: expected 17 times"),
        ({"keypoints": [10**400, 1, 2] * 17}, "not a COCO person keypoints file"),
        ({"keypoints": [[1], 2, 2]}, "not a COCO person keypoints file"),
        ({"image_id": 4}, "annotations of image 4, which the file does not list"),
        ({"image_id": None}, "image id: expected an integer"),
    ],
)
def test_a_damaged_person_is_one_clear_line(tmp_path, changes, message):
    path = write_keypoints(tmp_path / "poses.json", [annotation(1) | changes])
    with pytest.raises(InputError, match=message) as error:
        read_poses(path, [1])
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annotations": [{"image_id": 1, "caption": "A captions file."}]}, "KeyError"),
        ({"categories": None}, "not a COCO person keypoints file"),
        ({"categories": [{"id": 1, "name": "person"}]}, "a category with COCO's 17 keypoints"),
        ({"categories": [{"id": 1, "keypoints": ["nose"]}]}, "a category with COCO's 17 keypoints"),
        ({"images": [{"id": 1, "width": 0, "height": 9}]}, "expected an image with a size"),
        ({"images": [{"id": 1, "width": None, "height": 9}]}, "not a COCO person keypoints file"),
        ({"images": [{"id": 1}]}, "KeyError"),
    ],
)
def test_another_file_is_one_clear_line(tmp_path, changes, message):
    path = write_keypoints(tmp_path / "poses.json", **{"annotations": [annotation(1)]} | changes)
    with pytest.raises(InputError, match=message):
        read_poses(path, [1])


def test_a_list_is_no_keypoints_file(tmp_path):
    (tmp_path / "poses.json").write_text("[1]")
    with pytest.raises(InputError, match="not a COCO person keypoints file"):
        read_poses(tmp_path / "poses.json", [1])


def test_animals_and_things_beside_the_people_are_left_out(tmp_path):
    thing = {"image_id": 1, "category_id": 18, "bbox": [0, 0, 9, 9]}
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "keypoints": list(KEYPOINTS)}]
    path = write_keypoints(tmp_path / "a.json", [thing, annotation(1)], categories=categories)
    assert len(read_poses(path, [1]).by_image[1]) == 1


def test_a_small_main_object_is_told_by_its_share():
    by_image = {
        1: (ImageObject("kite", 0.0081), ImageObject("bird", 0.001)),
        2: (ImageObject("umbrella", 0.0199),),
        3: (ImageObject("kite", 0.02), ImageObject("bird", 0.001)),
        4: (),
    }
    reasons = small_object_reasons(Objects("i.json", ("kite", "bird", "umbrella"), {}, by_image))
    assert {i: (reason.name, reason.evidence) for i, reason in reasons.items()} == {
        1: ("small main object", "the largest object, a kite, has 0.8 % of the image"),
        2: ("small main object", "the largest object, an umbrella, has 2.0 % of the image"),
    }
