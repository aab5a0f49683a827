"""Objects taken for others, and their matrix."""

from pathlib import Path

import numpy as np
import pytest

from error_analysis.reasons.images.base_rates import BaseRates
from error_analysis.reasons.images.confusion_matrix import count_confusions
from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.salient_object import (
    Confusion,
    confusion_reason,
    confusions_of,
    find_confusions,
)
from tests.error_analysis.reasons.images.image_queries import image_query

NONE = BaseRates({}, {})  # nothing is usual
FAMILIES = {"cow": "animal", "dog": "animal", "car": "vehicle", "bench": "outdoor"}
OWN = ["A cow in a field.", "A brown cow.", "Some grass.", "Green grass.", "A field."]


def objects(*found: tuple[str, float]) -> Objects:
    held = tuple(ImageObject(*pair) for pair in found)
    return Objects(Path("i.json"), tuple(FAMILIES), FAMILIES, {1: held})


def confusions(own, retrieved, held, rates=NONE):
    return find_confusions(image_query(own, retrieved), held, held.vocabulary, rates)


def test_a_cow_is_taken_for_a_dog():
    retrieved = ["A dog."] * 4 + ["A cow."] * 3 + ["A field."] * 3
    (found,) = confusions(OWN, retrieved, objects(("cow", 0.5)))
    assert found == Confusion("cow", "dog", 4, 10)
    assert confusion_reason([found]).evidence == "cow, taken for dog (4 of 10 captions)"


@pytest.mark.parametrize(
    "retrieved",
    [
        ["A dog and a cow."] * 10,  # the cow is named
        ["A dog."] * 5 + ["A cow."] * 5,  # by half of them
        ["A dog."] * 2 + ["Some grass."] * 8,  # too few name one and the same
        ["An animal."] * 6 + ["A dog."] * 4,  # which may well be the cow
        ["Grass."] * 10,
        [],
    ],
)
def test_no_confusion(retrieved):
    assert confusions(OWN, retrieved, objects(("cow", 0.5))) == []


def test_what_random_captions_name_as_often_is_no_confusion():
    retrieved = ["A dog."] * 4 + ["A field."] * 6
    held = objects(("cow", 0.5))
    assert confusions(OWN, retrieved, held, BaseRates({"dog": 0.02}, {}))
    assert confusions(OWN, retrieved, held, BaseRates({"dog": 0.3}, {})) == []


def test_what_the_own_captions_name_is_in_the_image_though_unannotated():
    own = [*OWN, "A cow and a bench."]
    assert confusions(own, ["A bench."] * 10, objects(("cow", 0.5))) == []


def test_the_largest_object_is_the_main_one_where_captions_name_none():
    held = objects(("car", 0.6), ("cow", 0.1))
    (found,) = confusions(["What a mess!"], ["A dog."] * 5, held)
    assert found.category == "car"


def test_of_equals_the_thing_of_the_same_family_is_named():
    (found,) = confusions(OWN, ["A car and a dog."] * 6, objects(("cow", 0.5)))
    assert found.taken_for == "dog"


def test_an_image_without_objects_has_no_confusion():
    assert confusions(OWN, ["A dog."] * 10, objects()) == []
    assert confusion_reason([]) is None


def test_the_matrix_counts_queries():
    held = objects(("cow", 0.5))
    queries = [image_query(OWN, ["A dog."] * 5), image_query(OWN, ["A cow."] * 5)] * 2
    found = confusions_of(queries, held, NONE)
    matrix = count_confusions([*found, [Confusion("dog", "wolf", 3, 10)]], held.categories)
    assert matrix.categories == ("cow", "dog", "wolf")
    np.testing.assert_array_equal(matrix.counts, [[0, 2, 0], [0, 0, 1], [0, 0, 0]])
    assert matrix.n_queries == 5
    assert matrix.pairs() == [("cow", "dog", 2), ("dog", "wolf", 1)]
    assert matrix.largest(2).categories == ("cow", "dog")


def test_no_confusion_is_an_empty_matrix():
    empty = count_confusions([[], []], ["cow"])
    assert (empty.categories, empty.counts.shape, empty.n_queries) == ((), (0, 0), 2)
    assert empty.pairs() == []
    assert empty.largest(20).categories == ()
