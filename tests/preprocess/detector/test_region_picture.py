"""Pictures of regions: labels stay inside, boxes are where they belong."""

import json

import numpy as np
import pytest
from PIL import Image, ImageColor

from preprocess.detector.region_picture import COLORS, _label, draw_regions, picture_of_image
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import FEATURE_DIM, N_REGIONS, random_row

GREY = 100


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def test_a_box_is_outlined_in_its_colour_and_the_rest_is_the_image():
    box = np.array([[100.0, 200, 700, 800]])
    picture = np.asarray(draw_regions(grey(1000, 1200), box, ["cat"], np.array([0.5])))
    assert picture.shape == (1000, 1200, 3)
    color = ImageColor.getrgb(COLORS[0][0])
    for x, y in ((100, 500), (700, 500), (400, 800)):
        assert tuple(picture[y, x]) == color
    assert tuple(picture[500, 400]) == (GREY,) * 3
    assert tuple(picture[900, 1100]) == (GREY,) * 3


def test_a_small_image_is_enlarged_with_its_boxes():
    picture = draw_regions(grey(60, 80), np.array([[0.0, 0, 40, 30]]), ["cat"], np.array([0.5]))
    assert picture.size == (1000, 750)
    assert picture.getpixel((500, 200)) == ImageColor.getrgb(COLORS[0][0])


def test_a_small_box_is_drawn_over_a_large_one_whatever_their_scores():
    boxes = np.array([[400.0, 300, 600, 500], [400, 100, 900, 900]])
    for scores in ([0.9, 0.1], [0.1, 0.9]):
        picture = draw_regions(grey(1000, 1000), boxes, ["a", "b"], np.array(scores))
        assert picture.getpixel((400, 400)) == ImageColor.getrgb(COLORS[0][0])


@pytest.mark.parametrize("box", [(0, 0, 20, 20), (990, 0, 1000, 10), (980, 990, 1000, 1000)])
def test_a_label_in_a_corner_is_whole(box):
    """As much of its colour is seen as of the same label in the middle."""

    def n_colored(at) -> int:
        boxes = np.array([at], float)
        picture = draw_regions(grey(1000, 1000), boxes, ["a long label"], np.array([0.5]))
        return int((np.asarray(picture) == ImageColor.getrgb(COLORS[0][0])).all(axis=2).sum())

    width, height = box[2] - box[0], box[3] - box[1]
    middle = (500, 500, 500 + width, 500 + height)
    assert n_colored(box) >= 0.8 * n_colored(middle)


def test_a_label_longer_than_the_picture_does_not_fail():
    draw_regions(grey(40, 40), np.array([[0.0, 0, 40, 40]]), ["word " * 99], np.array([1.0]))


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("attribute", [0, -1])
def test_a_picture_is_made_of_a_features_file_with_or_without_labels(tmp_path, labels, attribute):
    settings = {"object_labels": [f"o{i},x" for i in range(10)], "attribute_labels": ["red"]}
    attributes = {"settings": json.dumps(settings if labels else {})}
    row = random_row(np.random.default_rng(0)) | {"attribute_ids": np.full(N_REGIONS, attribute)}
    path = tmp_path / "f.h5"
    with FeaturesWriter(path, [7], N_REGIONS, FEATURE_DIM, "float32", attributes) as writer:
        writer.write(0, **row)
        writer.finish()
    Image.fromarray(grey(48, 64)).save(tmp_path / "7.png")
    picture = picture_of_image(FeaturesFile(path), 7, tmp_path / "7.png")
    assert picture.size == (1000, 750)


@pytest.mark.parametrize(
    ("labels", "attribute", "expected"),
    [
        (True, 1, "red stop sign"),
        (True, -1, "stop sign"),
        (False, 1, "attribute 1 object 2"),
        (False, -1, "object 2"),
    ],
)
def test_a_region_is_labelled_by_its_first_synonyms_or_else_its_ids(labels, attribute, expected):
    objects = ["cat,kitten", "dog", "stop sign,stopsign"]
    settings = {"object_labels": objects, "attribute_labels": ["blue", "red,crimson"]}
    assert _label(settings if labels else {}, 2, attribute) == expected
