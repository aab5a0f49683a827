"""Main objects that are small in their image."""

from error_analysis.reasons.images.objects import Objects
from error_analysis.reasons.reason import Reason

NAME = "small main object"
# 2 % are 32 x 32 of CLIP's 224 x 224 pixels: one patch of ViT-B/32. Of 90 photographs of COCO's, 5
# have no larger object.
SMALL_SHARE = 0.02


def small_object_reasons(objects: Objects) -> dict[int, Reason]:
    """Return the reason of each image whose largest object is small.

    Evidence such as "the largest object, a kite, has 0.8 % of the image". Where nothing is marked,
    the main object is none of the categories, and its size unknown.
    """
    reasons = {}
    for image_id, found in objects.by_image.items():
        if found and found[0].share < SMALL_SHARE:
            name, share = found[0].category, found[0].share
            article = "an" if name.startswith(tuple("aeiou")) else "a"
            told = f"the largest object, {article} {name}, has {100 * share:.1f} % of the image"
            reasons[image_id] = Reason(NAME, told)
    return reasons
