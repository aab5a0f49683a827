"""What captions say, and what it weighs."""

from math import log

import pytest

from error_analysis.reasons.said_words import SaidWords, with_wider
from tests.error_analysis.scored import gallery_of

GALLERY = gallery_of(("A red kitten", "A kitten on a violin"), ("A violin",), ("An animal",))


def test_who_says_kitten_says_cat_and_animal_but_not_the_other_way():
    assert with_wider(["kitten"]) == {"kitten", "cat", "animal"}
    assert with_wider(["animal"]) == {"animal"}


def test_an_image_says_what_any_of_its_captions_says():
    words = SaidWords(GALLERY)
    assert words.of_caption[1] == {"kitten", "violin"}
    assert words.of_image[0] == {"red", "kitten", "cat", "animal", "violin"}


def test_coverage_is_weighed_by_rarity():
    words = SaidWords(GALLERY)
    kitten, violin = (log(5 / (1 + n)) + 1 for n in (2, 2))
    assert words.covered(1, 1) == pytest.approx(violin / (kitten + violin))
    assert words.covered(0, 3) == 1  # the kitten is an animal


def test_what_fits_every_picture_is_said_and_no_words_are_not():
    words = SaidWords(gallery_of(("A few things outside", "..."), ("A cat",)))
    assert (words.covered(1, 0), words.covered(1, 1)) == (1, 0)
