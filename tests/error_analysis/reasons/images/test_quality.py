"""Measures of an image's quality."""

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
        (np.zeros((300, 300, 3), np.uint8), {"darkness", "low contrast", "greyscale"}),
        (np.full((300, 300, 3), 255, np.uint8), {"over-exposure", "low contrast", "greyscale"}),
        (checkerboard(96, 96), {"tiny"}),
        (checkerboard(high=50), {"darkness", "low contrast"}),
        (np.zeros((1, 1, 3), np.uint8), {"darkness", "low contrast", "greyscale", "tiny"}),
        (np.zeros((1, 4000, 3), np.uint8), {"darkness", "low contrast", "greyscale", "tiny"}),
    ],
)
def test_defects(image, defects):
    assert set(measure_quality(image).defects()) == defects


def test_the_reason_shows_the_measures():
    evidence = quality_reason(checkerboard(96, 96)).evidence
    assert evidence == "tiny: shorter side 96 pixels, below 112"


def assert_recovered(scores):
    for score in scores:
        assert score.precision >= 0.8, score
        assert score.recall >= 0.8, score


@pytest.mark.long
def test_degraded_photographs_are_told_from_untouched_ones(shared_data):
    paths = sorted((shared_data / "coco90" / "images").rglob("*.jpg"))
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    assert len(images) == 90
    scores = quality_scores(images, "coco90")
    assert len(scores) == 6
    assert_recovered(scores)


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
