"""COCO's results format, and what is no such file."""

import pytest

from captioning.results.results_file import (
    first_words,
    listed,
    read_captions,
    read_results,
)
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split
from tests.captioning.conftest import results_of
from tests.captioning.recorded import CAPTIONS


@pytest.fixture
def split(split_file) -> Split:
    return read_split(split_file)


def test_captions_are_read_by_image_in_any_order(split, write_results):
    results = read_results(write_results(results_of(CAPTIONS)[::-1]), split)
    assert results.captions == dict(zip(range(10, 14), CAPTIONS, strict=True))
    assert results.told() == []


def test_ids_may_be_texts_or_floats_and_other_members_are_ignored(split, write_results):
    entries = [
        {"image_id": "10", "caption": "a", "score": 1},
        {"image_id": 11.0, "caption": "b"},
        {"image_id": "000000000012", "caption": "c"},
        {"image_id": 13, "caption": "d"},
    ]
    assert list(read_results(write_results(entries), split).captions.values()) == list("abcd")


def test_a_split_that_names_its_images_is_matched_by_names(write_results):
    images = [
        CaptionedImage(number, f"{name}.jpg", (Caption(number, "a dog"),), name)
        for number, name in enumerate(("kite", "goats"), start=1)
    ]
    split = Split("own", "test", "a table", tuple(images))
    entries = [{"image_id": "goats", "caption": "b"}, {"image_id": "kite", "caption": "a"}]
    assert read_results(write_results(entries), split).captions == {2: "b", 1: "a"}
    with pytest.raises(InputError, match=r"1 of 2 images .* have no caption \(goats\)"):
        read_results(write_results(entries[1:]), split)


@pytest.mark.parametrize("space", ["\r\n", "\r", "\x0b", "\x0c", "\u2028", "\t", "\x85"])
def test_line_breaks_of_every_kind_become_a_space_and_are_told(split, write_results, space):
    captions = [f"a dog{space}runs", *CAPTIONS[1:]]
    results = read_results(write_results(results_of(captions)), split)
    assert results.captions[10] == "a dog runs"
    assert results.captions[11] == CAPTIONS[1]  # and no other image's
    (line,) = results.told()
    assert "1 captions have line breaks" in line
    assert line.endswith("images 10")


def test_doubled_spaces_are_nothing_to_tell(split, write_results):
    results = read_results(write_results(results_of(["  a  dog ", *CAPTIONS[1:]])), split)
    assert results.captions[10] == "a dog"
    assert not results.told()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (["a dog", "a cat"], "2 captions stand without an image_id; nothing tells which image"),
        ([{"caption": "a dog"}], r"entry 1: expected an image_id and a caption, found .*'caption'"),
        ([{"image_id": 10}], "entry 1: expected an image_id and a caption"),
        ([[10, "a dog"]], "entry 1: expected an image_id and a caption"),
        ([{"image_id": 10, "caption": None}], "entry 1: expected the caption as text, found None"),
        ([{"image_id": 10, "caption": ["a"]}], "expected the caption as text"),
        ([{"image_id": True, "caption": "a"}], "entry 1: image_id: expected an integer"),
        ([], "found an empty list"),
        ({"10": "a dog"}, 'expected a list of {"image_id": 42, "caption": "a dog"}, found dict'),
        (results_of(["a", "b"]) + results_of(["c"]), "image 10 has more than one caption"),
        (results_of(CAPTIONS, first_id=500), "4 of 4 captions are of images that split 'test'"),
        (results_of(CAPTIONS[:2]), r"2 of 4 images .* \(12, 13\); .*--partial"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_line(split, write_results, content, told):
    with pytest.raises(InputError, match=told.replace("{", r"\{")) as error:
        read_results(write_results(content), split)
    assert str(error.value).startswith(str(write_results(content)))


def test_a_part_is_scored_where_that_is_asked_and_told(split, write_results):
    results = read_results(write_results(results_of(CAPTIONS[:3])), split, partial=True)
    assert list(results.captions) == [10, 11, 12]
    assert "1 images with references have no caption, and are left out: 13" in results.told()[0]


def test_captions_of_a_few_other_images_are_left_out_and_told(split, write_results):
    """As those of VizWiz' 208 val images of which no reference is left."""
    results = read_results(write_results(results_of([*CAPTIONS, "a fifth"])), split)
    assert list(results.captions) == [10, 11, 12, 13]
    assert "1 captions are of images without references, and are left out: 14" in results.told()[0]


def test_captions_of_many_other_images_are_left_out_where_all_of_the_split_are_there(
    split, write_results
):
    """As all of val2014 for Karpathy's test."""
    whole = results_of(CAPTIONS) + results_of(["a dog"] * 30, first_id=500)
    results = read_results(write_results(whole), split)
    assert list(results.captions) == [10, 11, 12, 13]
    assert "30 captions are of images without references, and are left out" in results.told()[0]
    with pytest.raises(InputError, match="30 of 33 captions are of images that split 'test'"):
        read_results(write_results(whole[1:]), split, partial=True)


def test_lists_without_ids_are_read_as_captions_alone(write_results):
    assert read_captions(write_results(["a\r\ndog", "b"])) == (
        ["number 1", "number 2"],
        ["a dog", "b"],
        [],
    )
    assert read_captions(write_results(results_of(["a  dog"]))) == (["10"], ["a dog"], [])
    twice = write_results(results_of(["a"]) + results_of(["b"]) + results_of(["c"]))
    names = ["10", "10, number 2", "10, number 3"]
    assert read_captions(twice) == (names, ["a", "b", "c"], ["10"])


def test_texts_are_cut_at_white_space():
    assert first_words("a dog runs", 2) == "a dog"
    assert first_words("a dog runs", None) == "a dog runs"
    assert listed(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..."
