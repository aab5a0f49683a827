import numpy as np

from error_analysis.site.query_page.numbers import QueryNumbers
from tests.error_analysis.scored import make_split

NUMBERS = QueryNumbers(make_split([2, 1, 3]))  # images 100 to 102, captions 5000 to 5005


def test_images_are_numbered_first_and_then_the_captions():
    assert (NUMBERS.n_images, NUMBERS.n_queries) == (3, 9)
    assert NUMBERS.of("i2t", [102, 100]).tolist() == [0, 2]
    assert NUMBERS.of("t2i", [5005, 5000]).tolist() == [3, 8]


def test_ids_of_a_larger_gallery_are_left_out():
    assert NUMBERS.of("t2i", [4999, 5001, 6000]).tolist() == [4]


def test_numbers_that_cross_from_images_to_captions_are_both():
    parts = NUMBERS.split(range(1, 5))
    assert {direction: rows.tolist() for direction, rows in parts.items()} == {
        "i2t": [1, 2],
        "t2i": [0, 1],
    }
    assert NUMBERS.split(range(5, 9))["i2t"].tolist() == []


def test_every_number_is_in_one_part_of_any_cut():
    for step in (1, 2, 4, 9):
        parts = [NUMBERS.split(range(s, min(s + step, 9))) for s in range(0, 9, step)]
        assert np.concatenate([part["i2t"] for part in parts]).tolist() == [0, 1, 2]
        assert np.concatenate([part["t2i"] for part in parts]).tolist() == [0, 1, 2, 3, 4, 5]


def test_an_image_is_numbered_with_its_captions():
    assert NUMBERS.of_images(np.array([0, 2])).tolist() == [0, 2, 3, 4, 6, 7, 8]
