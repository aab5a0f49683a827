"""Wrong documents that fit the query."""

from math import log

import pytest

from error_analysis.reasons.images.plausible import NAME, Plausibility
from error_analysis.reasons.mentions import Vocabulary
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from tests.error_analysis.reasons.images.image_queries import caption_query, image_query

OWN = ["Two brown dogs run on the beach.", "A brown dog and a small dog chase a ball.", "So cute!"]
GALLERY = Split(
    "tiny",
    "test",
    "made by a test",
    tuple(
        CaptionedImage(i, f"{i}.jpg", tuple(Caption(10 * i + j, c) for j, c in enumerate(captions)))
        for i, captions in enumerate([OWN, ["A cat in a kitchen"], ["A red car on a street"]])
    ),
)


@pytest.fixture(scope="module")
def plausibility():
    return Plausibility(GALLERY, Vocabulary())


@pytest.mark.parametrize(
    ("caption", "fits"),
    [
        ("Two puppies on the sand", True),
        ("A brown dog outdoors", True),
        ("A dog chasing a ball", True),
        ("Animals running outside", True),
        ("Some vehicles outside", False),
        ("Three dogs on the beach", False),
        ("One dog on the beach", False),
        ("A white dog on the beach", False),
        ("A brown ball", False),
        ("A big dog", False),
        ("A dog and a cat on the beach", False),
        ("A dog indoors", False),
        ("A dog plays violin concertos", False),
        ("There is a picture here.", False),
        ("", False),
        ("...", False),
    ],
)
def test_a_caption_fits_what_the_own_captions_say(plausibility, caption, fits):
    assert plausibility.fits(caption, plausibility.own(OWN)) == fits


def test_coverage_is_weighted_by_rarity(plausibility):
    own = plausibility.own(["A dog"])
    # In 5 captions, "dog" is in 2 and "violin" in none: it weighs as the rarest word, in one.
    dog, violin = log(6 / 3) + 1, log(6 / 2) + 1
    assert plausibility.covered("dog violin", own) == pytest.approx(dog / (dog + violin))
    assert plausibility.covered("a picture of", own) == 0


def test_the_reason_of_an_image_query_shows_the_best_place(plausibility):
    query = image_query(OWN, ["A cat", "Two dogs.", "A brown dog "])
    assert plausibility.plausible_places(query) == [1, 2]
    reason = plausibility.reason(query)
    assert (reason.name, reason.evidence) == (NAME, "place 1: Two dogs. (and 1 more)")


def test_the_reason_of_a_caption_query_shows_the_wrong_image(plausibility):
    query = caption_query("Two dogs on the beach", 2, [1, 2, 0])
    evidence = plausibility.reason(query).evidence
    assert evidence == "place 2: image 0, Two brown dogs run on the beach."


def test_a_right_document_is_not_plausible_but_right(plausibility):
    assert plausibility.reason(caption_query("Two dogs", 0, [0, 1])) is None


def test_nothing_retrieved_is_no_reason(plausibility):
    assert plausibility.reason(image_query(OWN, [])) is None
