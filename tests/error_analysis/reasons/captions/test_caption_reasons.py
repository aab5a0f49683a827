"""Tests of error_analysis/reasons/captions/caption_reasons.py."""

from error_analysis.reasons.captions.caption_reasons import REASON_NAMES, caption_reasons
from preprocess.captions.split_file import Caption, CaptionedImage, Split

CAPTIONS = (
    ("A giarffe in a field of grass.", "A bathroom that needs to be fixed up."),
    ("There is no picture here to describe with a caption.", "..."),
    ("An animal outside", "A tall brown giraffe", "A tall giraffe"),
    ("A small dog with a red ball",),
    ("A black dog under a wooden table",),
)


def gallery() -> Split:
    images = [
        CaptionedImage(
            i, f"{i}.jpg", tuple(Caption(10 * i + j, text) for j, text in enumerate(texts))
        )
        for i, texts in enumerate(CAPTIONS)
    ]
    return Split("tiny", "test", "made by a test", tuple(images))


def test_reasons_come_in_the_order_of_the_captions() -> None:
    reasons = caption_reasons(gallery(), ["A giraffe in a field."] * 3)
    names = [[reason.name for reason in found] for found in reasons]
    assert names[:5] == [
        ["typo", "said by nobody else"],
        ["long modifier", "said by nobody else"],
        ["no visual content"],
        ["no visual content"],
        ["underspecified"],
    ]
    assert names[5:] == [[]] * 4
    assert {name for found in names for name in found} <= set(REASON_NAMES)


def test_only_a_typo_is_repaired() -> None:
    reasons = caption_reasons(gallery(), ["A giraffe in a field."] * 3)
    assert [r.repair for found in reasons for r in found if r.repair] == [
        "A giraffe in a field of grass."
    ]
