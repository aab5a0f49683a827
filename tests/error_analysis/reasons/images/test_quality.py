"""Measures of an image's quality."""

import json

import numpy as np
import pytest
from PIL import Image

from demo.image_reasons import quality_scores
from error_analysis.reasons.images.quality import measure_quality, quality_reason
from preprocess.storage.images_file import ImagesFile


def checkerboard(height=256, width=256, cell=8, low=0, high=200):
    rows, columns = np.indices((height, width)) // cell
    board = np.where((rows + columns) % 2, high, low).astype(np.uint8)
    return np.stack([board, board // 2, board // 4], axis=2)


def test_the_laplacian_is_the_one_of_a_slow_loop():
    image = checkerboard(256, 200)
    y = image @ np.array([0.299, 0.587, 0.114])
    laplacian = [
        y[r - 1, c] + y[r + 1, c] + y[r, c - 1] + y[r, c + 1] - 4 * y[r, c]
        for r in range(1, 255)
        for c in range(1, 199)
    ]
    assert measure_quality(image).sharpness == pytest.approx(np.var(laplacian) / np.var(y))


def test_sharpness_changes_with_neither_contrast_nor_brightness():
    sharp = measure_quality(checkerboard()).sharpness
    assert measure_quality(checkerboard(low=40, high=80)).sharpness == pytest.approx(
        sharp, rel=0.05
    )


def test_a_good_image_has_no_defect():
    assert measure_quality(checkerboard()).defects() == {}
    assert quality_reason(checkerboard()) is None


@pytest.mark.parametrize(
    ("image", "defects"),
    [
        (np.zeros((300, 300, 3), np.uint8), {"darkness", "low contrast"}),
        (np.full((300, 300, 3), 255, np.uint8), {"over-exposure", "low contrast"}),
        (checkerboard(96, 96), {"tiny"}),
        (checkerboard(high=50), {"darkness", "low contrast"}),
        (np.zeros((1, 1, 3), np.uint8), {"darkness", "low contrast", "tiny"}),
        (np.zeros((1, 4000, 3), np.uint8), {"darkness", "low contrast", "tiny"}),
    ],
)
def test_defects(image, defects):
    assert set(measure_quality(image).defects()) == defects


def test_black_and_white_is_no_defect():
    grey = np.repeat(checkerboard()[..., :1], 3, axis=2)
    assert measure_quality(grey).chroma == 0
    assert quality_reason(grey) is None
    dark = np.repeat(checkerboard(high=50)[..., :1], 3, axis=2)
    assert set(measure_quality(dark).defects()) == {"darkness"}


def test_the_reason_shows_the_measures():
    evidence = quality_reason(checkerboard(96, 96)).evidence
    assert evidence == "tiny: shorter side 96 pixels, below 112"


def assert_recovered(scores):
    for score in scores:
        assert score.precision >= 0.8, score
        assert score.recall >= 0.8, score


@pytest.fixture(scope="module")
def photographs(shared_data) -> list[Image.Image]:
    paths = sorted((shared_data / "coco90" / "images").rglob("*.jpg"))
    assert len(paths) == 90
    return [Image.open(path).convert("RGB") for path in paths]


@pytest.mark.long
def test_degraded_photographs_are_told_from_untouched_ones(photographs):
    scores = quality_scores([np.asarray(image) for image in photographs], "coco90")
    assert len(scores) == 5
    assert_recovered(scores)


@pytest.mark.long
def test_photographs_are_as_good_in_black_and_white(photographs):
    assert not any(quality_reason(np.asarray(image)) for image in photographs)
    assert not any(quality_reason(np.asarray(i.convert("L").convert("RGB"))) for i in photographs)


@pytest.mark.long
def test_photographs_that_people_could_not_make_out_are_called_low(shared_data):
    captions = json.loads((shared_data / "vizwiz" / "first_captions_val.json").read_text())
    unrecognisable = {c["image_id"] for c in captions if c["caption"].startswith("Quality issues")}
    paths = sorted((shared_data / "vizwiz" / "val").glob("*.jpg"))
    # Number 0 of the split is image 23431.
    told = [int(path.stem.rpartition("_")[2]) + 23431 in unrecognisable for path in paths]
    low = [
        quality_reason(np.asarray(Image.open(path).convert("RGB"))) is not None for path in paths
    ]
    assert (len(paths), sum(told), sum(low)) == (16, 10, 12)
    assert all(is_low for is_low, is_told in zip(low, told, strict=True) if is_told)


@pytest.mark.long
def test_degraded_drawings_are_told_from_untouched_ones(tmp_path):
    from demo.drawing.painting import draw_scene
    from demo.scenes.scenes import random_scene

    drawn = (draw_scene(random_scene(np.random.default_rng(i))) for i in range(60))
    assert_recovered(quality_scores([np.asarray(image) for image in drawn], "drawings"))


def test_images_are_read_as_the_measure_takes_them(data_dir):
    from tests.conftest import write_images_of

    write_images_of(data_dir, "test")
    images = ImagesFile(data_dir / "test_images.h5")
    assert measure_quality(images.read(int(images.image_ids[0]))).shorter_side == 48
