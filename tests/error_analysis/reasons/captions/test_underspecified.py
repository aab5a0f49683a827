"""Tests of error_analysis/reasons/captions/underspecified.py, against a plain count."""

from collections import Counter
from math import log

import numpy as np

from error_analysis.reasons.captions.underspecified import (
    COVERAGE,
    MOST_CONTENT_WORDS,
    telling_words,
    underspecified,
)
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from tests.conftest import make_split


def gallery_of(*captions: tuple[str, ...]) -> Split:
    images = []
    for image_id, texts in enumerate(captions):
        named = tuple(Caption(100 * image_id + i, text) for i, text in enumerate(texts))
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", named))
    return Split("tiny", "test", "made by a test", tuple(images))


def test_a_caption_that_many_other_images_bear_out_is_underspecified() -> None:
    gallery = gallery_of(
        ("A picture of a person on a skateboard", "A boy in a red cape jumps a dustbin"),
        *[(f"A man rides his skateboard past a {thing} wall",) for thing in ("red", "blue", "big")],
        ("Two zebras in a meadow",),
    )
    first, second, *others = underspecified(gallery)
    assert first.name == "underspecified"
    assert first.evidence.startswith("3 other images have a caption that says the same, such as")
    assert "rides his skateboard" in first.evidence
    assert second is None
    assert others == [None] * 4


def test_captions_of_the_same_image_do_not_count() -> None:
    assert underspecified(gallery_of(("A dog",) * 5, ("A cat",), ("A bird",))) == [None] * 7


def test_several_captions_of_one_image_count_once() -> None:
    assert underspecified(gallery_of(("A dog",), ("A dog", "A big dog"), ("A cat",))) == [None] * 4


def test_a_caption_without_content_fits_every_other_image() -> None:
    gallery = gallery_of(("There are a few things outside.",), ("A cat",), ("A bird",), ("A cup",))
    evidence = underspecified(gallery)[0].evidence
    assert evidence == "3 other images suit it too: no word tells one from another"


def test_wider_words_are_said_by_narrower_ones_and_not_the_other_way() -> None:
    gallery = gallery_of(("An animal outdoors",), ("A kitten",), ("A small dog",), ("A cup",))
    reasons = underspecified(gallery)
    assert reasons[0].evidence.startswith("2 other images")
    assert reasons[1:] == [None] * 3


def test_one_image_alone_has_nothing_to_be_taken_for() -> None:
    assert underspecified(gallery_of(("A few things", "...", "🙂"))) == [None] * 3


def test_telling_words_are_stems_without_function_words() -> None:
    assert telling_words("A close up of two dogs sitting on a dog's bed") == ["two", "dog", "bed"]
    assert telling_words("... 🙂") == []


def test_full_coverage_agrees_with_a_plain_count() -> None:
    gallery = make_split(40, seed=3)
    words = [set(telling_words(caption)) for caption in gallery.captions]
    n_with = Counter(word for own in words for word in own)
    weight = {word: log((1 + len(words)) / (1 + n)) + 1 for word, n in n_with.items()}
    images = gallery.caption_image_index
    found = underspecified(gallery)
    for own, image, reason in zip(words, images, found, strict=True):
        # All of the content, but for a word of little weight.
        enough = COVERAGE * sum(weight[word] for word in own)
        covering = [sum(weight[word] for word in own & other) >= enough for other in words]
        n_others = len(set(images[np.flatnonzero(covering)]) - {image})
        if len(own) > MOST_CONTENT_WORDS or n_others < 2:  # 4 % of 40 images
            assert reason is None
        else:
            assert int(reason.evidence.split()[0]) == n_others
    assert sum(reason is not None for reason in found) > 5


def test_images_that_are_elsewhere_do_not_count_and_the_most_similar_caption_is_shown() -> None:
    gallery = gallery_of(
        ("a nice scene with an animal outdoors",),
        ("Some animals indoors",),
        ("A picture of an animal somewhere in a building",),
        ("Dogs", "A street"),
        ("An animal in the open", "A meadow"),
        ("A nice scene with some animals outside", "A house"),
        ("A dog inside a car", "A cup"),
        ("An animal", "A room"),
    )
    evidence = underspecified(gallery)[0].evidence
    assert evidence.startswith("4 other images have a caption")
    assert evidence.endswith('such as "A nice scene with some animals outside"')


def test_a_caption_without_content_does_not_suit_images_that_are_elsewhere() -> None:
    gallery = gallery_of(
        ("A few things in the open",), ("A street",), ("A kitchen",), ("A cat",), ("Snow",)
    )
    assert underspecified(gallery)[0].evidence.startswith("3 other images suit it too")
