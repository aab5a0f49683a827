"""Lists of images without captions, as COCO and VizWiz have them of their tests."""

import json

import pytest

from preprocess.base.errors import InputError
from preprocess.captions.image_info import read_image_info


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "image_info_test2014.json"
        path.write_text(json.dumps(content), "utf-8")
        return read_image_info(path)

    return read


def test_images_come_in_their_order(read):
    entries = [
        {"id": 7, "file_name": "b.jpg", "coco_url": "x"},
        {"id": "3", "file_name": "a/c.png"},
    ]
    found = read({"images": entries, "categories": []})
    assert found.split == "image_info_test2014"
    assert found.image_ids.tolist() == [7, 3]
    assert [image.file_name for image in found.images] == ["b.jpg", "a/c.png"]
    assert found.source_ids == [None, None]


def test_names_in_the_place_of_ids_are_kept(read):
    found = read({"images": [{"id": name, "file_name": name} for name in ("b.jpg", "a.jpg")]})
    assert found.image_ids.tolist() == [1, 2]
    assert found.source_ids == ["b.jpg", "a.jpg"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "no list of images"),
        ({"images": [{"image_id": 1, "file_name": "a.jpg"}]}, "KeyError: 'id'.* --split_file"),
        ({"images": [{"id": 1}]}, "KeyError: 'file_name'"),
        ({"images": [{"id": 1, "file_name": 3}]}, "expected text, found 3"),
        ({"images": []}, "expected at least one image, found none"),
        ({"images": [{"id": 1, "file_name": "../a.jpg"}]}, "stay inside it"),
        ({"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}]}, "occurs 2 times"),
    ],
)
def test_what_is_no_such_list_is_one_line(read, content, told):
    with pytest.raises(InputError, match=f"image_info_test2014.json: .*{told}"):
        read(content)
