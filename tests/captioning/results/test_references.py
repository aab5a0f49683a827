"""References of split files and of annotation files."""

import json

import pytest

from captioning.results.references import read_references
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split


def annotations(**flags) -> dict:
    return {
        "images": [{"id": 7, "file_name": "7.jpg"}, {"id": 8, "file_name": "8.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "a dog"},
            {"id": 2, "image_id": 7, "caption": "a hound", **flags},
        ],
    }


def test_a_split_file_is_read(split_file):
    assert read_references(split_file) == (read_split(split_file), ())


def test_an_annotation_file_is_read_and_what_is_left_out_is_named(write_results):
    split, odd = read_references(write_results(annotations()))
    assert [image.image_id for image in split.images] == [7]
    assert split.captions == ("a dog", "a hound")
    assert odd == ("image 8 has no caption",)


@pytest.mark.parametrize("flag", ["is_rejected", "is_precanned"])
def test_flagged_captions_are_no_references(write_results, flag):
    with pytest.raises(InputError, match=r"1 captions are flagged .*--vizwiz_captions"):
        read_references(write_results(annotations(**{flag: True})))
    split, _ = read_references(write_results(annotations(**{flag: False})))
    assert len(split.captions) == 2


@pytest.mark.parametrize("content", [[], {}, {"annotations": 3}, "a dog"])
def test_another_file_is_refused_in_a_line(tmp_path, content):
    path = tmp_path / "references.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="not a split file"):
        read_references(path)
