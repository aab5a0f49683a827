"""Models, objects and people whose reasons are known, for tests of `explain`."""

from pathlib import Path

from error_analysis.reasons.images.objects import ImageObject, Objects
from error_analysis.reasons.images.people import KEYPOINTS
from error_analysis.reasons.reason import Reason
from preprocess.base.files import write_json
from tests.error_analysis.scored import (
    make_model,
    make_split,
    scores_with_ranks,
)

TYPO, VAGUE = Reason("typo", "x, for y", "y"), Reason("underspecified", "many")
RANKS = [0, 12, 10, 25, 12] + [0] * 25


def caption_model(ranks=RANKS, name="a"):
    """A model whose caption queries have these ranks."""
    return make_model(scores_with_ranks(ranks).T, make_split([1] * len(ranks)), name)


def objects_of(path, by_image) -> Objects:
    found = {i: tuple(ImageObject(c, 0.5) for c in names) for i, names in by_image.items()}
    return Objects(path, ("cat", "dog", "cow"), {}, found)


def write_keypoints(path: Path, ids: list[int], hidden: int) -> Path:
    """One person an image, in its middle; of one the keypoints are labelled but hidden."""
    people = [
        {
            "image_id": i,
            "category_id": 1,
            "bbox": [20, 20, 50, 50],
            "area": 900,
            "keypoints": [25, 25, 1 if i == hidden else 2] * 17,
        }
        for i in ids
    ]
    content = {
        "images": [{"id": i, "width": 100, "height": 100} for i in ids],
        "categories": [{"id": 1, "keypoints": KEYPOINTS}],
        "annotations": people,
    }
    write_json(path, content)
    return path
