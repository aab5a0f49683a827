"""Small main objects."""

from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.small_object import small_object_reasons


def test_a_small_main_object_is_told_by_its_share():
    by_image = {
        1: (ImageObject("kite", 0.0081), ImageObject("bird", 0.001)),
        2: (ImageObject("umbrella", 0.0199),),
        3: (ImageObject("kite", 0.02), ImageObject("bird", 0.001)),
        4: (),
    }
    reasons = small_object_reasons(Objects("i.json", ("kite", "bird", "umbrella"), {}, by_image))
    assert {i: (reason.name, reason.evidence) for i, reason in reasons.items()} == {
        1: ("small main object", "the largest object, a kite, has 0.8 % of the image"),
        2: ("small main object", "the largest object, an umbrella, has 2.0 % of the image"),
    }
