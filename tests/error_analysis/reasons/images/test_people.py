"""Reading the people of images."""

import math

import pytest

from error_analysis.reasons.images.people import KEYPOINTS, read_people
from preprocess.base.errors import InputError
from tests.error_analysis.reasons.images.drawn_people import annotation, people_of, write_keypoints


def test_people_are_read_largest_first_without_crowds_and_an_image_may_have_none(tmp_path):
    small = annotation(1, box=(300, 200, 32, 48), visible=range(4), labelled=range(6))
    at_edge = annotation(1, box=(536, 100, 100, 240))
    nearby = annotation(3, box=(530, 100, 100, 240))
    herd = annotation(1, box=(0, 0, 640, 480)) | {"iscrowd": 1}
    people = people_of(tmp_path, [small, herd, at_edge, nearby], ids=[1, 2, 3])
    assert list(people) == [1, 2, 3]
    assert [p.share for p in people[1]] == pytest.approx([24000 / 307200, 1536 / 307200])
    assert [p.cut_off for p in people[1]] == [True, False]  # 4 of 640 pixels are the edge
    assert [p.cut_off for p in people[3]] == [False]
    assert [(p.n_labelled, p.n_visible) for p in people[1]] == [(17, 17), (6, 4)]
    assert people[2] == ()
    assert people_of(tmp_path, [], ids=[1, 2]) == {1: (), 2: ()}


def test_files_of_train_and_val_are_read_together(tmp_path):
    val = write_keypoints(tmp_path / "val.json", [annotation(1)])
    train = write_keypoints(tmp_path / "train.json", [annotation(8)], ids=[8, 9])
    found = read_people([train, val], [8, 2, 1])
    assert {i: len(people) for i, people in found.items()} == {8: 1, 1: 1, 2: 0}
    with pytest.raises(InputError, match=r"train\.json and .*val\.json: person_keypoints of other"):
        read_people([train, val], [8, 77])
    with pytest.raises(
        InputError, match=r"val\.json: has 2 images, such as 1, that .*val\.json has"
    ):
        read_people([val, val], [1, 2])


def test_ids_that_are_text_are_read(tmp_path):
    person = annotation("000000000001") | {"category_id": "1"}
    path = write_keypoints(tmp_path / "poses.json", [person], ids=["1"])
    assert len(read_people([path], [1])[1]) == 1


def test_other_images_and_a_missing_file_are_one_clear_line(tmp_path):
    path = write_keypoints(tmp_path / "poses.json")
    with pytest.raises(InputError, match=r"expected the 2 images of the split, found 1.*image 77"):
        read_people([path], [1, 77])
    with pytest.raises(InputError, match=r"none\.json: no such file; .*person_keypoints_val2014"):
        read_people([tmp_path / "none.json"], [1])


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
        read_people([path], [1])
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
        read_people([path], [1])


def test_a_list_is_no_keypoints_file(tmp_path):
    (tmp_path / "poses.json").write_text("[1]")
    with pytest.raises(InputError, match="not a COCO person keypoints file"):
        read_people([tmp_path / "poses.json"], [1])


def test_animals_and_things_beside_the_people_are_left_out(tmp_path):
    thing = {"image_id": 1, "category_id": 18, "bbox": [0, 0, 9, 9]}
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "keypoints": list(KEYPOINTS)}]
    path = write_keypoints(tmp_path / "a.json", [thing, annotation(1)], categories=categories)
    assert len(read_people([path], [1])[1]) == 1
