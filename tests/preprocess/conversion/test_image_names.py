"""Names of images: ids, COCO's file names, the split's own, ambiguous ones."""

import pytest

from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.conversion.image_names import ImageNames


def names_of(**file_names: str) -> ImageNames:
    images = (
        CaptionedImage(int(key[1:]), name, (Caption(int(key[1:]), "a"),))
        for key, name in file_names.items()
    )
    return ImageNames(Split("mine", "test", "a test", tuple(images)))


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("12", 0),
        ("000000000012", 0),
        ("COCO_val2014_000000000012", 0),
        ("coco_train2014_000000000012", 0),
        ("COCO_val2014_000000000012.jpg", 0),
        ("val2014/COCO_val2014_000000000012.JPG", 0),
        ("000000000012.jpg", 0),
        ("flickr30k_000000000012", 0),
        ("12.jpg", None),  # a file that the split does not have
        ("x.jpg", 0),
        ("x.png", None),
        ("b/x.jpg", None),
        ("cat", 1),
        ("cat.png", 1),
        ("b/cat.png", 1),
        ("cat.npz", None),
        ("7", 1),
        ("dog", None),
        ("1", None),
        ("cat12", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_an_image_is_found_by_id_or_file_name(name, row):
    assert names_of(_12="a/x.jpg", _7="b/cat.png").row_of(name, "f") == row


def test_a_files_own_name_comes_before_ids_and_names_without_suffix():
    assert names_of(_1="a/2.jpg", _2="b/cat.jpg").row_of("2.jpg", "f") == 0
    names = names_of(_1="a/cat.jpg", _2="b/cat.png", _3="b/cat.jpg")
    assert names.row_of("cat.png", "f") == 1
    assert names.row_of("b/cat.jpg", "f") == 2
    assert names.row_of("images/a/cat.jpg", "f") == 0
    with pytest.raises(InputError, match="the id or file name of 2"):
        names.row_of("cat.jpg", "f")


def test_uniters_names_of_flickr30k_are_its_file_names():
    names = names_of(_5="1000092795.jpg", _6="36979.jpg")
    assert names.row_of("flickr30k_000001000092795", "f") == 0
    assert names.row_of("flickr30k_000000036979", "f") == 1


def test_a_name_of_two_images_is_refused():
    for names, name in (
        (names_of(_1="a/cat.jpg", _2="b/cat.jpg"), "cat"),
        (names_of(_1="a/2.jpg", _2="b/cat.jpg"), "2"),
    ):
        with pytest.raises(InputError, match="line 3: expected the name of one image"):
            names.row_of(name, "line 3")
    assert names_of(_1="a/2.jpg", _2="b/cat.jpg").row_of("1", "f") == 0
