"""Visual Genome's files."""

import json
import weakref

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases import visual_genome
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.json_list import list_members
from preprocess.region_phrases.tally import Tally
from preprocess.region_phrases.visual_genome import read_visual_genome, visual_genome_files
from tests.preprocess.region_phrases.small_regions import (
    vg_image,
    vg_object,
    write_json_file,
    write_split_of,
    write_visual_genome,
)


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


def without_first(path):
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))


def test_little_is_held_where_a_file_lacks_the_first_image(tmp_path, monkeypatch):
    """Also where the image data lacks one that the file has."""
    numbers = range(1, 301)
    write_json_file(tmp_path / "image_data.json", [vg_image(n, None) for n in numbers if n != 50])
    entries = [{"image_id": n, "objects": [vg_object(n, ["a"], [1, 1, 5, 5])]} for n in numbers]
    write_json_file(tmp_path / "objects.json", entries)
    without_first(tmp_path / "objects.json")

    class Watched(list):
        pass

    alive = []

    def watched(path, source):
        for entry in list_members(path, source):
            regions = Watched(entry["objects"])
            alive.append(weakref.ref(regions))
            yield {**entry, "objects": regions}

    monkeypatch.setattr(visual_genome, "list_members", watched)
    tally = Tally()
    files = visual_genome_files([tmp_path])
    n_regions, most = 0, 0
    for image in read_visual_genome(files, ImageChoice(None, [], tally)):
        n_regions += len(image.regions)
        most = max(most, sum(entry() is not None for entry in alive))
    assert n_regions == 298
    assert most <= 4
    assert list(tally.counts.values()) == [1]


def test_a_file_of_another_order_that_lacks_an_image_is_joined(folder):
    expected, _ = read(folder)
    path = folder / "objects.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:0:-1]))  # 3, 2
    images, _ = read(folder)
    assert contents(images[0]) == contents(expected[0])[:2]
    assert list(map(contents, images[1:])) == list(map(contents, expected[1:]))


def test_second_entries_of_an_image_are_counted(folder):
    path = folder / "objects.json"
    path.write_text(json.dumps(json.loads(path.read_text()) * 2))
    expected, _ = read(folder / "image_data.json", folder / "objects.json")
    images, counts = read(folder)
    assert sum(len(i.regions) for i in images) == sum(len(i.regions) for i in expected) + 4
    assert list(counts.values()) == [3]


def test_a_cut_after_the_last_image_is_noticed(folder):
    path = folder / "objects.json"
    path.write_text(path.read_text()[:-1])
    with pytest.raises(InputError, match=r"objects\.json: not JSON, or cut"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("region_descriptions.json", {"x": 1, "y": 1, "width": 2, "height": 2}),
        ("region_descriptions.json", None),
        ("objects.json", {"object_id": 1, "x": 1, "y": 1, "w": 2, "h": 2}),
        ("objects.json", {"object_id": 1, "names": ["a"]}),
        ("attributes.json", {"attributes": ["red"]}),
        ("attributes.json", {"object_id": [], "attributes": ["red"]}),
    ],
)
def test_one_odd_region_is_left_out_and_counted(folder, name, odd):
    expected, _ = read(folder)
    path = folder / name
    content = json.loads(path.read_text())
    content[0][visual_genome.MEMBERS[path.stem]].insert(0, odd)
    path.write_text(json.dumps(content))
    assert read(folder) == (expected, {"regions of another format left out": 1})


@pytest.mark.parametrize("odd", [None, 5, {}, {"image_id": 9}])
def test_one_odd_entry_is_left_out_and_counted(folder, odd):
    expected, _ = read(folder)
    for path in folder.iterdir():
        path.write_text(json.dumps([odd, *json.loads(path.read_text())]))
    images, counts = read(folder)
    assert images == expected
    assert counts == {
        "images of another format left out": 1,
        "entries of another format left out": 3,
    }


def test_an_image_that_may_be_one_of_coco_is_left_out(folder):
    path = folder / "image_data.json"
    content = json.loads(path.read_text())
    del content[1]["coco_id"]
    path.write_text(json.dumps(content))
    images, counts = read(folder)
    assert [image.image_id for image in images] == [1, 3]
    assert counts["images of another format left out"] == 1


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
def test_a_member_that_all_entries_lack_is_one_line_that_names_the_file(folder, name, change, line):
    path = folder / name
    content = json.loads(path.read_text())
    for entry in content:
        entry.update(change)
        for key in [key for key, value in change.items() if value is None]:
            del entry[key]
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
