"""COCO's instance files."""

import json

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases.checked_regions import checked_images
from preprocess.region_phrases.coco_instances import read_coco_instances
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.tally import Tally
from tests.preprocess.region_phrases.small_regions import split_of, write_instances


def read(*paths, split=None, folder=None):
    tally = Tally()
    choice = ImageChoice(split, [], tally)
    return list(read_coco_instances(paths, folder, choice, tally)), tally.counts


def test_the_category_is_the_phrase_and_crowds_are_left_out(tmp_path):
    images, counts = read(write_instances(tmp_path / "instances_val2014.json"))
    first, second, third = images
    assert first.file_name == "val2014/COCO_val2014_000000000042.jpg"
    assert (first.image_id, first.height, first.width) == (42, 100, 200)
    assert [(r.box, r.phrases) for r in first.regions] == [
        ([0.0, 0.0, 200.0, 100.01], ("dining table",))
    ]
    assert [(r.box, r.phrases) for r in second.regions] == [([10.5, 20.25, 50.0, 60.0], ("dog",))]
    assert third.regions == []
    assert counts == {"crowd annotations left out": 1}


def test_a_split_chooses_images_and_names_their_files(tmp_path):
    path = write_instances(tmp_path / "any name.json")
    images, counts = read(path, split=split_of([73], folder="other"))
    assert [image.file_name for image in images] == ["other/COCO_other_000000000073.jpg"]
    assert counts == {"images that are not in the split train left out": 2}


def test_without_a_split_the_name_of_the_file_or_an_option_tells_the_folder(tmp_path):
    path = write_instances(tmp_path / "a.json")
    with pytest.raises(InputError, match="does not tell the image folder"):
        read(path)
    images, _ = read(path, folder="")
    assert images[0].file_name == "COCO_val2014_000000000042.jpg"
    images, _ = read(path, folder="x/y")
    assert images[0].file_name == "x/y/COCO_val2014_000000000042.jpg"


def test_annotations_of_no_image_are_counted(tmp_path):
    path = write_instances(tmp_path / "instances_val2014.json")
    content = json.loads(path.read_text())
    del content["images"][1]
    path.write_text(json.dumps(content))
    images, counts = read(path)
    assert [image.image_id for image in images] == [42, 74]
    assert counts["annotations of images that the file does not list left out"] == 1


@pytest.mark.parametrize("member", ["images", "annotations", "categories"])
def test_another_file_is_refused(tmp_path, member):
    path = write_instances(tmp_path / "instances_val2014.json")
    content = json.loads(path.read_text())
    for changed in ({k: v for k, v in content.items() if k != member}, {**content, member: [{}]}):
        path.write_text(json.dumps(changed))
        with pytest.raises(InputError, match=r"val2014\.json: (.*; )?not a COCO instance file"):
            read(path)


@pytest.mark.parametrize(
    ("member", "odd"),
    [
        ("annotations", {"image_id": 42, "category_id": 62}),
        ("annotations", {"image_id": 42, "bbox": [1, 2, 3, 4]}),
        ("annotations", {"image_id": 42, "bbox": [1, 2, 3, 4], "category_id": 99}),
        ("annotations", {"image_id": "x", "bbox": [1, 2, 3, 4], "category_id": 62}),
        ("annotations", None),
        ("images", {"id": 5}),
        ("images", {"file_name": "a.jpg"}),
        ("images", {"id": 5, "file_name": None}),
        ("categories", {"id": 5}),
        ("categories", {"id": [], "name": "cat"}),
    ],
)
@pytest.mark.parametrize("place", [0, 2])
def test_one_odd_entry_is_left_out_and_counted(tmp_path, member, odd, place):
    path = write_instances(tmp_path / "instances_val2014.json")
    expected, counts = read(path)
    content = json.loads(path.read_text())
    content[member].insert(place, odd)
    path.write_text(json.dumps(content))
    assert read(path) == (expected, {f"{member} of another format left out": 1, **counts})


def test_the_boxes_of_real_coco_stay_as_they_are(shared_data):
    folder = shared_data / "coco90" / "annotations"
    paths = [folder / f"instances_{name}2014.json" for name in ("train", "val")]
    tally = Tally()
    found, counts = read(*paths)
    images = list(checked_images(found, "error", tally))
    annotations = [a for path in paths for a in json.loads(path.read_text())["annotations"]]
    assert counts == {"crowd annotations left out": 9}
    assert tally.counts == {"images without a region left out": 2}
    boxes = sorted(region.box for image in images for region in image.regions)
    assert boxes == sorted(tuple(a["bbox"]) for a in annotations if not a["iscrowd"])
