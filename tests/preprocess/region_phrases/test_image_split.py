"""A region file's images as a split."""

import pytest

from preprocess.base.errors import InputError
from preprocess.region_phrases.image_split import images_as_split
from preprocess.region_phrases.region_file import ImageRegions, RegionsFile
from tests.preprocess.region_phrases.small_regions import IMAGES, write_small


def test_the_images_are_those_of_the_file(tmp_path):
    split = images_as_split(RegionsFile(write_small(tmp_path / "r.json", split="mine")))
    assert (split.dataset, split.split) == ("tiny", "mine")
    assert split.image_ids.tolist() == [9, 25]
    assert [image.file_name for image in split.images] == [image.file_name for image in IMAGES]


def test_a_name_that_leaves_the_image_root_is_refused(tmp_path):
    image = ImageRegions(1, "../a.jpg", 1, 1, IMAGES[0].regions)
    regions = RegionsFile(write_small(tmp_path / "r.json", [image]))
    with pytest.raises(InputError, match=r"r\.json: .*stay inside it"):
        images_as_split(regions)
