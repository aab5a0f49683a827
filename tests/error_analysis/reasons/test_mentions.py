"""What captions name, by hand."""

import pytest

from error_analysis.reasons.mentions import Vocabulary, canonical
from error_analysis.reasons.nouns import COCO_CATEGORIES, SYNONYMS, plurals

COCO = Vocabulary()


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("Two women walk their puppies past a fire hydrant.", {"person", "dog", "fire hydrant"}),
        ("A hot dog on a plate", {"hot dog"}),
        ("A teddy bear, with knives and mice", {"teddy bear", "knife", "mouse"}),
        ("an orange cat next to an orange", {"cat", "orange"}),
        ("An orange sitting on a table", {"orange", "dining table"}),
        ("A dog bed in the corner", {"bed"}),
        ("A cat in a house", {"cat"}),
        ("An animal near some vehicles", set()),
        ("There is nothing to see.", set()),
        ("", set()),
        ("?!... 🙂", set()),
        ("CATS", {"cat"}),
    ],
)
def test_a_caption_names_categories(caption, named):
    assert COCO.named(caption) == named


def test_a_general_word_may_mean_each_of_its_categories():
    assert {"car", "bus", "boat"} <= COCO.perhaps_named("a vehicle")
    assert Vocabulary(("car", "dog")).named("a vehicle") == {"car"}


@pytest.mark.parametrize(
    ("caption", "number", "counted"),
    [
        ("a dog", 1, False),
        ("one dog", 1, True),
        ("two dogs", 2, True),
        ("2 brown dogs", 2, True),
        ("a couple of big dogs", 2, True),
        ("two zebra", 2, True),
        ("dogs", None, False),
        ("several dogs", None, False),
        ("sheep", None, False),
        ("a sheep", 1, False),
        ("a group of people", None, False),
    ],
)
def test_numbers_are_read(caption, number, counted):
    (mention,) = COCO.mentions(caption)
    assert (mention.number, mention.counted) == (number, counted)


def test_colours_and_attributes_belong_to_the_noun_behind_them():
    cat, dog = COCO.mentions("A small black and white cat next to the big gray dog")
    assert (cat.colours, cat.attributes) == ({"black", "white"}, {"small"})
    assert (dog.colours, dog.attributes, dog.again) == ({"grey"}, {"big"}, True)


def test_a_colour_may_be_said_behind_the_noun():
    assert COCO.mentions("The car is red.")[0].colours == {"red"}
    assert COCO.mentions("The stove is red hot.")[0].colours == frozenset()


def test_a_category_of_the_list_prevails_over_a_synonym_of_another():
    assert Vocabulary(("person", "man")).named("a man") == {"man"}
    assert Vocabulary(("stop sign,stopsign",)).named("two stopsigns") == {"stop sign"}


def test_labels_are_called_by_their_category():
    assert [canonical(label) for label in ("Men", "sofa", "sky", "ball")] == [
        "person",
        "couch",
        "sky",
        "ball",
    ]


def test_plurals():
    nouns = ("dog", "bus", "puppy", "toy", "knife", "woman", "skis", "glass of wine", "potted box")
    assert [plurals(noun)[0] for noun in nouns] == [
        "dogs", "buses", "puppies", "toys", "knives", "women", "skis", "glasses of wine",
        "potted boxes",
    ]  # fmt: skip


def test_the_list_has_coco_s_categories_and_no_synonym_twice():
    assert len(COCO_CATEGORIES) == 80
    coco = [noun for name in COCO_CATEGORIES for noun in (name, *SYNONYMS[name])]
    assert len(coco) == len(set(coco))


def test_the_categories_are_those_of_the_real_file(shared_data):
    import json

    path = shared_data / "coco90" / "annotations" / "instances_val2014.json"
    names = [category["name"] for category in json.loads(path.read_text())["categories"]]
    assert list(COCO_CATEGORIES) == names


def test_a_thousand_words_are_read():
    assert COCO.named("a red cat and a dog " * 200) == {"cat", "dog"}
