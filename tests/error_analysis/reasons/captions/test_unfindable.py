"""Tests of error_analysis/reasons/captions/unfindable.py, against ranks counted one by one."""

import numpy as np
import pytest

from error_analysis.reasons.caption_scores import score_by_captions
from error_analysis.reasons.captions.unfindable import (
    AMBIGUOUS,
    NOBODY_ELSE,
    UNDERSPECIFIED,
    unfindable,
)
from preprocess.captions.split_file import Split
from tests.conftest import make_split
from tests.error_analysis.scored import gallery_of

TOWERS = [(f"A {kind} tower of stone", f"An old {kind} tower") for kind in ("big", "tall", "thin")]


def test_what_no_other_caption_of_its_image_says_is_named_in_its_order() -> None:
    gallery = gallery_of(
        ("A purple kite over a harbour", "Two dogs run on the beach", "Dogs on sand"),
        ("A kite in the sky", "A kite flies"),
        ("A harbour at night", "Boats in a harbour"),
        *TOWERS,
    )
    first, *others = unfindable(gallery)
    assert first.name == NOBODY_ELSE
    assert first.evidence == 'no other caption of the image says "purple", "kite", "harbour"'
    assert others == [None] * (len(gallery.captions) - 1)


def test_a_wider_noun_is_said_by_whoever_says_a_narrower_one() -> None:
    gallery = gallery_of(
        ("An animal with a fountain, a bucket and a clock", "A kitten", "A cat with a kitten"),
        ("A fountain, a bucket and a clock", "A fountain and a bucket", "A clock"),
        ("A bucket, a clock and a fountain", "A clock and a bucket"),
        *TOWERS,
    )
    named = '"fountain", "bucket", "clock"'
    assert unfindable(gallery)[0].evidence == f"no other caption of the image says {named}"


def test_few_words_that_many_other_images_bear_out_are_underspecified() -> None:
    riders = [(f"A person on a {c} skateboard", f"A {c} skateboard") for c in ("red", "big", "odd")]
    gallery = gallery_of(
        ("A picture of a person on a skateboard", "A boy in a cape jumps", "A boy in a red cape"),
        *riders,
    )
    first = unfindable(gallery)[0]
    assert first.name == UNDERSPECIFIED
    assert first.evidence.startswith("captions of 3 other images say it too: image ")
    assert "skateboard" in first.evidence


def test_a_caption_without_a_telling_word_is_underspecified() -> None:
    gallery = gallery_of(("Few things are outside.", "A cat", "A small cat"), *TOWERS, *TOWERS)
    first = unfindable(gallery)[0]
    assert (first.name, first.evidence) == (
        UNDERSPECIFIED,
        "no word tells one image from another",
    )


def test_a_caption_that_agrees_with_its_own_and_no_less_with_others_is_ambiguous() -> None:
    like = "a man rides a brown horse along a sandy beach"
    gallery = gallery_of(
        (like, "a man rides a brown horse in a hat", "a man rides a brown horse and waves"),
        *[(like, f"{like} {when}") for when in ("slowly", "happily", "daily")],
        *TOWERS,
    )
    first = unfindable(gallery)[0]
    assert first.name == AMBIGUOUS
    assert first.evidence.startswith("captions of 3 other images fit no less than its image's: ")
    assert like in first.evidence


@pytest.mark.parametrize(
    "captions",
    [[("A dog",)] * 30, [("...", "🙂")] * 3, [("A few things", "Some things", "A thing")]],
    ids=["one caption an image", "no words", "one image"],
)
def test_where_nothing_can_be_compared_there_is_no_reason(captions) -> None:
    gallery = gallery_of(*captions)
    assert unfindable(gallery) == [None] * len(gallery.captions)


def test_the_only_caption_of_an_image_has_no_reason() -> None:
    gallery = gallery_of(("Something",), ("A dog", "Dogs"), *TOWERS)
    assert unfindable(gallery)[0] is None


def ranks_one_by_one(gallery: Split) -> list[float]:
    scores, index = score_by_captions(gallery), gallery.caption_image_index
    ranks = []
    for caption, image in enumerate(index):
        own, others = scores[image, caption], np.delete(scores[:, caption], image)
        ranks.append(np.sum(others > own) + np.sum(others == own) / 2)
    return ranks


def test_a_reason_is_given_exactly_where_the_captions_miss_the_image() -> None:
    gallery = make_split(60, seed=3)  # 4 % of 60 images are 2
    several = np.bincount(gallery.caption_image_index)[gallery.caption_image_index] > 1
    found = [reason is not None for reason in unfindable(gallery)]
    assert found == [
        n and rank >= 2 for n, rank in zip(several, ranks_one_by_one(gallery), strict=True)
    ]
    assert 10 < sum(found) < len(found) - 10


def test_other_forms_and_spellings_of_a_word_are_said() -> None:
    things = "a fountain, a clock, a bucket and a kite"
    gallery = gallery_of(
        (f"Travelling buildings with {things}", "A traveling building", "The building"),
        (things, f"There is {things}", f"One sees {things}"),
        (f"Here is {things}", things, f"Just {things}"),
        *TOWERS,
    )
    named = '"fountain", "clock", "bucket", "kite"'
    assert unfindable(gallery)[0].evidence == f"no other caption of the image says {named}"
