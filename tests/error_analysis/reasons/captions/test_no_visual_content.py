"""Tests of error_analysis/reasons/captions/no_visual_content.py."""

import pytest

from error_analysis.reasons.captions.no_visual_content import no_visual_content


@pytest.mark.parametrize(
    "caption",
    [
        "There is no picture here to describe with a caption.",
        "I really cant see this image very well.",
        "Image not available",
        "The photo won't load.",
        "Unable to view the image.",
        "I don't know what this is.",
        "NO IMAGE",
        "Nothing to see here!",
        "The website gives an error instead of a photo.",
    ],
)
def test_captions_that_describe_nothing_are_named(caption) -> None:
    assert no_visual_content(caption).name == "no visual content"


@pytest.mark.parametrize("caption", ["", "  ", "...", "?!", "🙂🙂", "123"])
def test_captions_without_words_have_no_visual_content(caption) -> None:
    assert no_visual_content(caption).evidence == "no words"


@pytest.mark.parametrize(
    "caption",
    [
        "There is no picture on the wall.",
        "A man with no shirt on.",
        "A black and white photo.",
        "A picture of a dog that cannot be seen well.",
        "This is an image of a few things indoors.",
        "The bathroom has no toilet.",
        "She is not looking.",
        "A computer with no screen.",
        "A bus that did not come.",
    ],
)
def test_captions_that_describe_something_are_not(caption) -> None:
    assert no_visual_content(caption) is None
