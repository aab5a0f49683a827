"""Objects of images, from instances and from a detector's labels."""

import json

import numpy as np
import pytest

from error_analysis.reasons.images.objects import read_detected, read_instances, read_labels
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import random_row


def write_instances(path, **changes):
    content = {
        "images": [{"id": i, "width": 10, "height": 10} for i in (1, 2, 3)],
        "categories": [
            {"id": 5, "name": "cat", "supercategory": "animal"},
            {"id": 9, "name": "dog", "supercategory": "animal"},
        ],
        "annotations": [
            {"image_id": 1, "category_id": 5, "bbox": [0, 0, 2, 5]},
            {"image_id": 1, "category_id": 9, "bbox": [0, 0, 5, 5]},
            {"image_id": 1, "category_id": 5, "bbox": [0, 0, 5, 4]},
            {"image_id": 2, "category_id": 5, "bbox": [0, 0, 2, 5]},
        ],
    }
    path.write_text(json.dumps(content | changes))
    return path


def test_instances_are_the_shares_of_their_boxes_largest_first(tmp_path):
    objects = read_instances(write_instances(tmp_path / "i.json"), [1, 3])
    assert objects.categories == ("cat", "dog")
    assert [(o.category, o.share) for o in objects.of(1)] == [
        ("dog", 0.25),
        ("cat", 0.2),
        ("cat", 0.1),
    ]
    assert objects.shares(1) == pytest.approx({"cat": 0.3, "dog": 0.25})
    assert objects.of(3) == ()
    assert objects.supercategories["dog"] == "animal"
    with pytest.raises(InputError, match="no image 2"):
        objects.of(2)


def test_ids_that_are_text_give_the_same_objects(tmp_path):
    expected = read_instances(write_instances(tmp_path / "i.json"), [1, 2, 3])
    content = json.loads((tmp_path / "i.json").read_text())
    for annotation in content["annotations"]:
        annotation["image_id"] = str(annotation["image_id"])
        annotation["category_id"] = float(annotation["category_id"])
    for image in content["images"]:
        image["id"] = f"{image['id']:012d}"
    (tmp_path / "text.json").write_text(json.dumps(content))
    assert read_instances(tmp_path / "text.json", [1, 2, 3]).by_image == expected.by_image


def test_annotations_of_an_image_that_the_file_does_not_list_are_one_clear_line(tmp_path):
    stray = [{"image_id": 4, "category_id": 5, "bbox": [0, 0, 2, 5]}]
    path = write_instances(tmp_path / "i.json", annotations=stray)
    with pytest.raises(
        InputError, match=r"i\.json: annotations of image 4, which the file does not"
    ):
        read_instances(path, [1])


@pytest.mark.parametrize("side", [float("nan"), float("inf")])
def test_a_box_that_is_no_box_is_named_and_one_without_area_is_nothing(tmp_path, side):
    box = {"id": 33, "image_id": 1, "category_id": 5, "bbox": [0, 0, side, 5]}
    path = write_instances(tmp_path / "i.json", annotations=[box])
    with pytest.raises(InputError, match="annotation 33 of image 1: expected a box of finite"):
        read_instances(path, [1])
    flat = write_instances(tmp_path / "flat.json", annotations=[box | {"bbox": [0, 0, 0, 5]}])
    assert read_instances(flat, [1]).shares(1) == {"cat": 0}


def test_a_category_file_for_other_images_is_one_clear_line(tmp_path):
    path = write_instances(tmp_path / "i.json")
    with pytest.raises(InputError, match="instances of other images") as error:
        read_instances(path, [1, 77])
    assert str(path) in str(error.value)
    assert "image 77" in str(error.value)
    assert "instances_val2014.json" in str(error.value)


def test_files_of_train_and_val_are_read_together(tmp_path):
    val = write_instances(tmp_path / "val.json")
    later = {"images": [{"id": 8, "width": 10, "height": 10}]}
    later["annotations"] = [{"image_id": 8, "category_id": 9, "bbox": [0, 0, 5, 5]}]
    train = write_instances(tmp_path / "train.json", **later)
    objects = read_instances([train, val], [8, 1])
    assert [o.category for o in objects.of(8)] == ["dog"]
    assert [o.category for o in objects.of(1)] == ["dog", "cat", "cat"]
    with pytest.raises(InputError, match=r"train\.json and .*val\.json: instances of other"):
        read_instances([train, val], [8, 1, 77])


def test_an_image_in_two_files_and_other_categories_are_one_clear_line(tmp_path):
    one, other = (write_instances(tmp_path / f"{name}.json") for name in "ab")
    with pytest.raises(InputError, match=r"b\.json: has 2 images, such as 1, that .*a\.json has"):
        read_instances([one, other], [1, 2])
    renamed = {"images": [{"id": 8, "width": 1, "height": 1}], "annotations": []}
    renamed["categories"] = [{"id": 5, "name": "horse"}]
    other = write_instances(tmp_path / "b.json", **renamed)
    with pytest.raises(InputError, match="has other categories than"):
        read_instances([one, other], [1, 8])


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": [{"image_id": 1, "caption": "A captions file."}]},
        {"categories": None},
        {"annotations": [{"image_id": 1, "category_id": 6, "bbox": [0, 0, 1, 1]}]},
        {"annotations": [{"image_id": 1, "category_id": 5, "bbox": [0, 0, 1]}]},
        {"images": [{"id": 1, "width": 0, "height": 0}]},
    ],
)
def test_another_file_is_one_clear_line(tmp_path, changes):
    path = write_instances(tmp_path / "i.json", **changes)
    with pytest.raises(InputError, match="not a COCO instances file"):
        read_instances(path, [1])


def test_a_list_is_no_instances_file(tmp_path):
    (tmp_path / "i.json").write_text("[1]")
    with pytest.raises(InputError, match="not a COCO instances file"):
        read_instances(tmp_path / "i.json", [1])


@pytest.fixture
def features(tmp_path):
    """One image of four regions: a sure man, a doubtful dog, a sure dog, and a filler."""
    row = random_row(np.random.default_rng(0))
    row = {k: v[:4] if np.ndim(v) and k != "image_sizes" else v for k, v in row.items()}
    row |= {
        "object_ids": np.array([0, 1, 1, 2]),
        "object_scores": np.array([0.9, 0.1, 0.8, 0.9]),
        "visual_pos": np.array([[0, 0, 0.5, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]]),
        "n_fillers": 1,
    }
    about = {"extractor": "random", "weights": "", "weights_sha256": "", "settings": "{}"}
    path = tmp_path / "features.h5"
    with FeaturesWriter(path, np.array([4]), 4, 16, "float32", about) as writer:
        writer.write(0, **row)
        writer.finish()
    return FeaturesFile(path)


def test_detected_objects_are_the_sure_regions_without_fillers(features):
    detected = read_detected(features, [4], ["man", "dog", "sky"])
    assert [(o.category, o.share) for o in detected.of(4)] == [("dog", 1.0), ("person", 0.5)]
    assert set(read_detected(features, [4], ["man", "dog", "sky"], 0.85).shares(4)) == {"person"}


def test_a_vocabulary_of_another_detector_and_none_are_one_clear_line(features):
    with pytest.raises(InputError, match="the vocabulary has 2 labels"):
        read_detected(features, [4], ["man", "dog"])
    with pytest.raises(InputError, match=r"give the detector's objects_vocab\.txt"):
        read_detected(features, [4])


def test_labels_are_lines(tmp_path):
    path = tmp_path / "objects_vocab.txt"
    path.write_text("cat\ndog \n")
    assert read_labels(path) == ("cat", "dog")
    path.write_text("cat\n\ndog\n")
    with pytest.raises(InputError, match="found an empty line"):
        read_labels(path)
    with pytest.raises(InputError, match=r"missing\.txt"):
        read_labels(tmp_path / "missing.txt")
