"""Visual Genome's files."""

import json

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.tally import Tally
from preprocess.region_phrases.visual_genome import read_visual_genome, visual_genome_files
from tests.preprocess.region_phrases.small_regions import write_split_of, write_visual_genome


@pytest.fixture
def folder(tmp_path):
    return write_visual_genome(tmp_path / "vg")


def read(*paths, leave_out=()):
    tally = Tally()
    choice = ImageChoice(None, leave_out, tally)
    return list(read_visual_genome(visual_genome_files(paths), choice)), tally.counts


def contents(image):
    return [(region.file.stem, region.box, tuple(region.phrases)) for region in image.regions]


def test_regions_then_objects_with_their_attributes(folder):
    (first, second, third), _ = read(folder)
    assert first.file_name == "VG_100K_2/1.jpg"
    assert second.file_name == "VG_100K/2.jpg"
    assert (first.image_id, first.height, first.width) == (1, 600, 800)
    assert contents(first) == [
        ("region_descriptions", [421, 57, 82, 139], ("the clock is green in colour",)),
        ("region_descriptions", [-3, 338, 274, 192], ("shade is along the street ",)),
        ("objects", [421, 91, 79, 339], ("clock",)),
    ]
    # Those of the object itself, and of one that was merged into it.
    assert first.regions[2].attributes == ["green", "tall", "green", "old"]
    assert contents(second)[1] == ("objects", [463, 141, 43, 103], ("sign", "walk sign"))
    assert second.regions[1].attributes == []
    assert len(third.regions) == 1


def test_any_of_its_files_may_be_absent(folder):
    data = folder / "image_data.json"
    (image, *_), _ = read(data, folder / "attributes.json")
    assert [(r.phrases, r.attributes) for r in image.regions] == [
        (["clock"], ["green", "tall"]),
        (["clock"], ["green", "old"]),
    ]
    (image, *_), _ = read(data, folder / "region_descriptions.json")
    assert len(image.regions) == 2
    for paths in ([data], [folder / "objects.json"]):
        with pytest.raises(InputError, match=r"expected image_data\.json and one or more"):
            read(*paths)


def test_images_are_left_out_by_their_ids_in_coco(folder, tmp_path):
    test = write_split_of(tmp_path / "test.json", [1, 42], "test")  # 1 is no id of COCO here
    images, counts = read(folder, leave_out=[test])
    assert [image.image_id for image in images] == [1, 3]
    assert counts == {f"images of {test} left out": 1}


def test_files_of_another_order_are_joined_by_image(folder):
    expected, _ = read(folder)
    for name in ("objects.json", "region_descriptions.json"):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    images, _ = read(folder)
    assert list(map(contents, images)) == list(map(contents, expected))


def test_an_image_that_a_file_lacks_has_none_of_its_regions(folder):
    path = folder / "objects.json"
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))
    (first, second, _), _ = read(folder)
    assert len(first.regions) == 2
    assert len(second.regions) == 2


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("image_data.json", {"coco_id": None}, "coco_id"),
        ("image_data.json", {"url": None}, "url"),
        ("image_data.json", {"image_id": "x"}, "image id"),
        ("image_data.json", {"url": "1.jpg"}, "ends with a folder and a file name"),
        ("region_descriptions.json", {"id": None}, "image_id"),
        ("region_descriptions.json", {"regions": None}, "regions"),
        ("region_descriptions.json", {"regions": [{"phrase": "a"}]}, "'x'"),
        ("objects.json", {"objects": [{"object_id": 1, "w": 2}]}, "'x'"),
        ("attributes.json", {"attributes": [{"id": 1, "object_names": ["a"]}]}, "object_id"),
    ],
)
def test_a_missing_member_is_one_line_that_names_the_file(folder, name, change, line):
    path = folder / name
    content = json.loads(path.read_text())
    content[0].update(change)
    for key in [key for key, value in change.items() if value is None]:
        del content[0][key]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=line) as error:
        read(folder)
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_another_name_and_two_of_a_kind_are_refused(folder):
    other = folder / "relationships.json"
    other.write_text("[]")
    read(folder)  # what else a folder has does not matter
    with pytest.raises(InputError, match=r"relationships\.json: expected image_data"):
        read(other)
    (folder / "objects_v1_2.json").write_text("[]")
    with pytest.raises(InputError, match="expected one of its kind"):
        read(folder)
