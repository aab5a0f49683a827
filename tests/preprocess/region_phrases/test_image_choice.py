"""Which images are kept."""

from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.tally import Tally
from tests.preprocess.region_phrases.small_regions import split_of, write_split_of


def test_all_images_are_kept_where_nothing_says_otherwise():
    choice = ImageChoice(None, [], Tally())
    assert choice.keeps(5, "a")
    assert choice.keeps(None, "b")
    assert choice.file_name(5) is None
    assert not choice.needs_ids


def test_images_of_a_split_are_kept_without_those_of_others(tmp_path):
    tally = Tally()
    test = write_split_of(tmp_path / "test.json", [2, 7], "test")
    val = write_split_of(tmp_path / "val.json", [8], "val")
    choice = ImageChoice(split_of([1, 2, 3]), [test, val], tally)
    assert choice.needs_ids
    kept = [i for i in (1, 2, 3, 4, None) if choice.keeps(i, f"image {i}")]
    assert kept == [1, 3]
    assert choice.file_name(3) == "val2014/COCO_val2014_000000000003.jpg"
    assert tally.counts == {
        f"images of {test} left out": 1,
        f"images of {val} left out": 0,
        "images that are not in the split train left out": 2,
    }
