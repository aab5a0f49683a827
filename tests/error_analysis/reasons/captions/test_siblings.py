"""Tests of error_analysis/reasons/captions/siblings.py."""

import math

import pytest

from error_analysis.reasons.captions.siblings import Siblings

CATS = ["A cat in a box.", "The cat sits.", "One cat.", "Two cats"]


def siblings(captions: list[str], caption: str) -> Siblings:
    return Siblings(captions, caption.split(), lambda word: 0.001)


def test_a_word_that_all_say_is_expected_more_than_one_that_some_say() -> None:
    of_all = siblings(CATS, "a car in a box").log_odds("cat", "car")
    of_one = siblings([CATS[0], "x", "y", "z"], "a car in a box").log_odds("cat", "car")
    assert of_all > of_one > 0


def test_the_odds_are_those_counted_in_coco() -> None:
    expected = 0.93 * 3.5 / 4
    cat = math.log(expected / 0.006) - math.log(1 - expected)
    # "Car" names a thing: one of five such names is in no other caption.
    assert siblings(CATS, "a car").log_odds("cat", "car") == pytest.approx(cat - math.log(1 / 5))


def test_no_siblings_tell_nothing() -> None:
    assert siblings([], "a car").log_odds("cat", "car") == 0


def test_function_words_tell_nothing() -> None:
    assert siblings(CATS, "a car if a cat").log_odds("of", "if") == 0


def test_a_word_that_the_caption_has_elsewhere_is_not_missed() -> None:
    assert siblings(CATS, "a cat by a car").log_odds("cat", "car") < 2


def test_another_form_of_a_word_bears_it_out() -> None:
    others = siblings(["Cats.", "Two cats.", "Some cats."], "a cat")
    assert others.log_odds("car", "cat") < -3
    assert others.someone_says("cat")
    assert not others.someone_says("car")
    assert others.number_who_say("car") == 0
    assert others.number_who_say("cat") == 0  # the caption has it itself


@pytest.mark.parametrize("captions", [[], CATS, ["Zebras", "A zebra"]])
@pytest.mark.parametrize("typed", ["cat", "car", "of", "lamp"])
def test_no_word_that_none_says_has_higher_odds_than_their_bound(captions, typed) -> None:
    told = siblings(captions, "a car by a tree")
    unsaid = ["dog", "dogs", "walks", "tree", "if"]
    most = max(told.log_odds(word, typed) for word in unsaid)
    assert most <= told.log_odds_of_unsaid(typed)
