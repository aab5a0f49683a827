"""The images of a region file: with pixels and captions, and refused where they do not fit."""

import numpy as np
import pytest

from information_retrieval.training.regions.region_images import RegionImages
from preprocess.base.errors import InputError, InputWarning
from preprocess.captions.split_file import Split, write_split
from preprocess.region_phrases.region_file import Region, RegionsFile
from preprocess.storage.images_file import ImagesFile
from tests.conftest import make_split, write_image_files, write_images_of
from tests.information_retrieval.training.regions.small_regions import (
    masker,
    reader,
    write_regions_of,
)


def write_images(folder, split: Split) -> ImagesFile:
    write_split(folder / f"{split.split}.json", split)
    write_image_files(folder / "images", split)
    write_images_of(folder, split.split)
    return ImagesFile(folder / f"{split.split}_images.h5")


@pytest.fixture
def make(tmp_path):
    """Gives the region images of a file of regions of one split and the images of another."""

    def make(of: Split, images: Split, split: Split | None, **options) -> RegionImages:
        path = write_regions_of(tmp_path / "regions.json", of, **options)
        return RegionImages(
            RegionsFile(path), write_images(tmp_path, images), split, reader(tmp_path)
        )

    return make


def test_an_example_has_a_caption_of_its_image_and_regions(make, tmp_path):
    split = make_split(3)
    found = make(split, split, split)
    assert len(found) == 3
    example = found.draw(1, np.random.default_rng(0))
    assert example.is_image.tolist() == [True] + [False] * (len(example.texts) - 1)
    tokenizer = masker(tmp_path).tokenizer
    caption = tokenizer.decode(example.texts[0].token_ids, skip_special_tokens=True)
    assert caption in {c.caption for c in split.images[1].captions}


def test_a_region_file_of_another_split_is_refused(make):
    split = make_split(4)
    with pytest.raises(InputError, match="a region file of another split"):
        make(make_split(4, "other", first_id=900), split, split, split_sha256=None)


def test_images_that_are_not_trained_on_are_left_out_and_counted(make):
    split = make_split(5)
    with pytest.warns(InputWarning, match=r"2 of its 5 images are not trained on"):
        found = make(split, split.first(3), split.first(3), split_sha256=None)
    assert len(found) == 3


def test_with_images_of_their_own_no_split_is_asked_and_captions_are_the_files(make):
    split, other = make_split(3), make_split(3, "other", first_id=700)
    found = make(other, other, None, split_sha256=split.sha256)
    assert not found.draw(0, np.random.default_rng(0)).is_image.any()


def boxes(found: RegionImages) -> np.ndarray:
    """The targets of some examples."""
    return np.concatenate([found.draw(n, np.random.default_rng(n)).boxes for n in range(3)])


def corner(n: int, generator: np.random.Generator) -> tuple[Region, ...]:
    """The lower right quarter of an image of 640 x 480 pixels."""
    return (Region((320.0, 240.0, 320.0, 240.0), ("a red kite",)),) * n


def test_boxes_follow_an_image_that_is_a_resized_copy(make):
    split = make_split(3)
    found = make(split, split, split, size=(480, 640), regions=corner)
    decoded = found.images.read(split.image_ids[0])
    regions = found._fitting(found.regions.regions(0), 0, decoded)
    assert {region.box for region in regions} == {(32, 24, 32, 24)}
    # Unscaled they lie outside the image of 64 x 48 pixels.
    assert not found.draw(0, np.random.default_rng(0)).is_image.all()


def test_sizes_that_are_unknown_are_taken_to_be_the_images_own(make):
    split = make_split(3)
    known = boxes(make(split, split, split))
    np.testing.assert_array_equal(boxes(make(split, split, split, size=(0, 0))), known)


def test_regions_of_a_turned_image_are_left_out_which_is_told_once(make):
    split = make_split(3)
    found = make(split, split, split, size=(64, 48))
    first = split.image_ids[0]
    with pytest.warns(InputWarning, match=f"image {first} is 64 x 48 .* of 48 x 64") as told:
        examples = [found.draw(n, np.random.default_rng(n)) for n in range(3)]
    assert len(told) == 1
    assert [example.is_image.tolist() for example in examples] == [[True]] * 3


def test_one_image_has_nothing_to_be_compared_with(make):
    split = make_split(3)
    with pytest.raises(InputError, match=r"at least two images that are in .*, found 1"):
        make(split.first(1), split, split, split_sha256=None)
