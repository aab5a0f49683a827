"""Groups of queries, as counted one by one."""

from pathlib import Path

import numpy as np
import pytest

from error_analysis.predicting.query_features import QueryFeatures
from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.slicing.groups import groups_of, image_groups
from tests.error_analysis.scored import gallery_of

GALLERY = gallery_of(
    ("A living room with a couch", "The living room of a house", "A couch"),
    ("A dog on a couch", "Dogs"),
    ("A cat",),
)
OBJECTS = Objects(
    Path("i.json"),
    ("couch", "dog", "cat"),
    {"couch": "furniture", "dog": "animal", "cat": "animal"},
    {
        0: (ImageObject("couch", 0.5),),
        1: (ImageObject("dog", 0.2), ImageObject("couch", 0.1)),
        2: (),
    },
)


def test_a_term_is_said_by_two_of_an_image_s_captions_or_its_only_one():
    groups = image_groups(GALLERY)
    assert groups[("words", "living room")] == [0]
    assert groups[("words", "couch")] == [0]  # of the second image one caption alone says it
    assert groups[("words", "dog")] == [1]  # "dogs" is the same word
    assert groups[("words", "cat")] == [2]
    assert ("words", "house") not in groups


def test_groups_are_in_the_order_in_which_their_terms_are_said():
    order = [name for _, name in image_groups(GALLERY)]
    assert order == ["living", "room", "couch", "living room", "dog", "cat"]


def test_objects_and_their_kinds_are_groups():
    groups = image_groups(GALLERY, OBJECTS)
    assert groups[("object", "couch")] == [0, 1]
    assert groups[("kind of object", "animal")] == [1]


def features(image: np.ndarray, **values: list[float]) -> QueryFeatures:
    columns = {name: np.array(column, np.float64) for name, column in values.items()}
    return QueryFeatures.join(image, columns)


def test_captions_are_in_the_groups_of_their_image_and_of_their_own_features():
    index = GALLERY.caption_image_index
    own = features(index, typo=[0, 1, 0, 0, 1, 0], words=[1, 2, 3, 4, 5, 6], same=[7] * 6)
    groups = groups_of(GALLERY, "t2i", own, image_groups(GALLERY))
    rows = zip(groups.kinds, groups.names, groups.members.toarray(), strict=True)
    members = {(kind, name): row for kind, name, row in rows}
    assert members[("words", "living room")].tolist() == [1, 1, 1, 0, 0, 0]
    assert members[("reason", "typo")].tolist() == [0, 1, 0, 0, 1, 0]
    bins = [row for (kind, _), row in members.items() if kind == "feature"]
    assert np.sum(bins, axis=0).tolist() == [1] * 6  # four bins of "words", and none of "same"
    assert len(bins) == 4


def test_groups_of_few_images_or_that_leave_few_are_left_out():
    index = GALLERY.caption_image_index
    own = features(index, first=[1, 0, 0, 1, 0, 1], never=[0] * 6)
    groups = groups_of(GALLERY, "t2i", own, image_groups(GALLERY))
    assert groups.with_images(3).names == ()  # every image is in "first", the last one whole
    kept = groups.with_images(2)
    assert kept.names == ("first",)
    assert (kept.n_queries.tolist(), kept.n_images.tolist()) == ([3], [3])


@pytest.mark.parametrize("direction", ["i2t", "t2i"])
def test_the_image_of_each_query_is_known(direction):
    image = np.arange(3) if direction == "i2t" else GALLERY.caption_image_index
    own = features(image, x=np.arange(len(image)).tolist())
    groups = groups_of(GALLERY, direction, own, image_groups(GALLERY))
    assert groups.image.tolist() == image.tolist()
    assert groups.members.shape == (len(groups.names), len(image))


def test_without_words_or_features_there_is_no_group():
    gallery = gallery_of(("...", "!"), ("?", "a"))
    own = features(gallery.caption_image_index, same=[1] * 4)
    groups = groups_of(gallery, "t2i", own, image_groups(gallery))
    assert (groups.names, groups.members.shape) == ((), (0, 4))
    assert groups.with_images(2).names == ()


def test_a_feature_of_two_values_is_no_reason():
    gallery = gallery_of(("a dog", "dogs"), ("a cat", "cats"))
    own = features(gallery.caption_image_index, position=[0, 1, 0, 1])
    groups = groups_of(gallery, "t2i", own, {})
    assert (groups.kinds, groups.names) == (("feature",), ("position",))


def test_the_queries_of_a_group_are_the_places_of_its_members():
    index = GALLERY.caption_image_index
    groups = groups_of(
        GALLERY, "t2i", features(index, typo=[0, 1, 0, 0, 1, 0]), image_groups(GALLERY)
    )
    for position, row in enumerate(groups.members.toarray()):
        assert groups.queries_of(position).tolist() == np.flatnonzero(row).tolist()


def test_bins_that_three_digits_do_not_tell_apart_have_more():
    index = GALLERY.caption_image_index
    close = [0.50001, 0.50002, 0.50003, 0.50004, 0.50005, 0.50006]
    groups = groups_of(GALLERY, "t2i", features(index, close=close), {})
    assert len(set(groups.names)) == 4
    assert groups.names[0].startswith("close 0.50001")
