"""Numbers, colours and attributes that contradict an image's own captions."""

import pytest

from error_analysis.reasons.images.base_rates import BaseRates
from error_analysis.reasons.images.details import (
    Contradiction,
    agreed_details,
    contradictions,
    missing_reason,
    missing_words,
)
from error_analysis.reasons.images.details import details_reason as reason
from error_analysis.reasons.mentions import Vocabulary
from tests.error_analysis.reasons.images.image_queries import image_query

COCO = Vocabulary()
NONE = BaseRates({}, {})  # nothing is usual
OWN = ["Two small red cats.", "Two red cats on a bed", "A red cat and a small cat.", "Cat nap."]


def found(caption, own=OWN):
    return contradictions(caption, agreed_details(own, COCO), COCO)


def test_another_number_colour_and_size_are_contradictions():
    assert found("Three cats") == [Contradiction("cat", "number", "3", "2")]
    assert found("A blue cat") == [Contradiction("cat", "colour", "blue", "red")]
    assert found("a huge cat") == [Contradiction("cat", "attribute", "huge", "small")]
    assert found("A cat, a cat and another cat") == [Contradiction("cat", "number", "3", "2")]


@pytest.mark.parametrize(
    "caption",
    [
        "Two red cats",
        "A cat",
        "cats",
        "A little cat",
        "A blue dog",
        "The cat near the cat",
        "",
        "!",
    ],
)
def test_no_contradiction(caption):
    assert found(caption) == []


def test_what_a_single_own_caption_says_is_not_agreed():
    assert found("A blue cat", ["A red cat", "A cat", "A cat"]) == []


def test_a_shade_is_no_other_colour():
    assert found("A tan dog", ["A brown dog", "a brown dog"]) == []


def test_several_of_one_caption_may_be_any_number():
    assert found("Five zebras", ["Two zebras", "two zebras", "Zebras on grass"]) == []


def test_the_reason_shows_what_most_captions_say():
    query = image_query(OWN, ["Three cats"] * 3 + ["A blue cat"] + ["A tree"] * 6)
    evidence = reason(query, COCO).evidence
    assert evidence.startswith("number of cat: 3, for 2 (3 of 10 captions); colour of cat: blue")


def test_few_contradictions_and_other_objects_are_no_reason():
    assert reason(image_query(OWN, ["Three cats"] * 2 + ["A cat"] * 8), COCO) is None
    assert reason(image_query(OWN, ["Three cats and a dog"] * 10), COCO) is None
    assert reason(image_query(OWN, []), COCO) is None
    assert reason(image_query(["Nice!"], ["Three cats"] * 10), COCO) is None


KAYAKS = ["Two kayaks on a shore.", "Kayaks rest on the shore", "A red kayak on a shore of a lake"]


def test_what_most_own_captions_say_and_no_retrieved_one_is_missing():
    query = image_query(KAYAKS, ["A boat on a shore", "A shore", "A dog on a shore"])
    assert missing_words(query, NONE) == ["kayaks"]
    found = missing_reason(query, NONE)
    assert (found.name, found.evidence) == ("missing details", 'no retrieved caption says "kayaks"')


def test_nothing_is_missing_where_the_scene_is_another_one_or_chance_says_as_much():
    assert missing_words(image_query(KAYAKS, ["A plate", "A cake", "A shore"]), NONE) == []
    query = image_query(KAYAKS, ["A boat on a shore", "A shore", "A dog on a shore"])
    assert missing_words(query, BaseRates({}, {"shor": 0.5})) == []


def test_a_wider_noun_of_a_retrieved_caption_does_not_say_it_and_a_narrower_one_does():
    own = ["A cat in a garden", "A cat in the garden", "A garden with a cat"]
    assert missing_words(image_query(own, ["An animal in a garden"] * 3), NONE) == ["cat"]
    assert missing_words(image_query(own, ["A kitten in a garden"] * 3), NONE) == []
