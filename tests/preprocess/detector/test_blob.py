import dataclasses

import numpy as np
import pytest
import torch

from preprocess.base.errors import InputError
from preprocess.detector.blob import blob_size, make_blob, resized_size, source_scale
from preprocess.detector.config import DetectorConfig
from tests.preprocess.detector.tiny_detector import TINY, random_image

OPENCV = DetectorConfig(resize="opencv", min_size=33, max_size=64)


@pytest.mark.parametrize(
    ("size", "resized"),
    [
        ((480, 640), (600, 800)),
        ((640, 427), (899, 600)),  # 640 * 600 / 427 = 899.3
        ((230, 352), (600, 918)),  # 918.26
        ((200, 800), (250, 1000)),  # the longer side at its most
        ((300, 300), (600, 600)),
        ((400, 401), (600, 602)),  # 601.5, half up
    ],
)
def test_the_shorter_side_becomes_600_unless_the_longer_exceeds_1000(size, resized):
    assert resized_size(*size, min_size=600, max_size=1000) == resized


def test_the_blob_is_blue_green_red_minus_the_means():
    config = dataclasses.replace(TINY, min_size=48, max_size=64)
    image = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    pixels = make_blob(image, config).pixels
    expected = torch.tensor([50.0, 100.0, 200.0]) - torch.tensor(config.pixel_means)
    torch.testing.assert_close(pixels, expected[:, None, None].expand(3, 48, 64))


def test_the_blob_does_not_depend_on_the_number_of_threads():
    image = random_image(0, height=240, width=320)
    n_threads = torch.get_num_threads()
    blobs = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            blobs.append(make_blob(image, DetectorConfig()).pixels)
    finally:
        torch.set_num_threads(n_threads)
    assert torch.equal(*blobs)


def test_an_image_too_long_and_thin_is_bad_input():
    with pytest.raises(InputError, match="20000 x 100 pixels is too long and thin"):
        make_blob(np.zeros((100, 20000, 3), np.uint8), DetectorConfig())


def striped_image(height: int, width: int) -> np.ndarray:
    y, x, channel = np.indices((height, width, 3))
    return ((37 * y + 59 * x + 83 * channel) % 256).astype(np.uint8)


# Sizes of images, (min_size, max_size), sizes of blobs; and from cv2.resize(image[:, :, ::-1] -
# means, None, fx=scale, fy=scale), the same by OpenCV 3.4.18, 4.12.0 and 5.0.0: blue at columns 0,
# 1, w // 3, w // 2, w - 2, w - 1 of the middle row, and red at such rows of the middle column.
RECORDED = [
    (
        (100, 131),
        (33, 64),
        (33, 43),
        [32.474, 79.384, 49.202, 76.959, 68.717, -8.495],
        [-22.911, 1.35, 40.439, -19.62, 36.986, -17.681],
    ),
    (
        (131, 100),
        (33, 64),
        (43, 33),
        [-44.98, 122.171, 71.564, -0.374, 121.444, 44.232],
        [19.289, -2.408, 52.986, 69.834, 8.259, -7.62],
    ),
    (  # 82.5 rounds to the even number
        (50, 125),
        (33, 128),
        (33, 82),
        [-39.283, 50.111, 70.353, 41.868, -55.768, 33.626],
        [-16.893, 39.168, 87.774, 63.592, -71.014, -14.954],
    ),
    (  # 64.02 rounds to the most, and so is none too many
        (50, 97),
        (33, 64),
        (33, 64),
        [-39.283, 50.111, 45.99, 5.323, 76.717, -39.465],
        [-53.438, 2.622, 51.228, 75.531, -56.606, -51.499],
    ),
    (  # the longer side at its most
        (50, 97),
        (64, 96),
        (49, 96),
        [-63.23, -3.616, 52.437, -17.73, -87.459, -31.845],
        [-76.772, -39.386, 9.395, 52.478, -47.664, -74.272],
    ),
]


@pytest.mark.parametrize(("size", "limits", "resized", "row", "column"), RECORDED)
def test_the_opencv_blob_is_that_of_opencv(size, limits, resized, row, column):
    config = dataclasses.replace(OPENCV, min_size=limits[0], max_size=limits[1])
    pixels = make_blob(striped_image(*size), config).pixels.numpy()
    assert blob_size(*size, config) == pixels.shape[1:] == resized
    height, width = resized
    columns = [0, 1, width // 3, width // 2, width - 2, width - 1]
    rows = [0, 1, height // 3, height // 2, height - 2, height - 1]
    np.testing.assert_allclose(pixels[0, height // 2, columns], row, atol=0.01)
    np.testing.assert_allclose(pixels[2, rows, width // 2], column, atol=0.01)


def test_the_scale_decides_where_opencv_reads_and_not_the_ratio_of_the_sizes():
    image = striped_image(100, 131)
    by_scale, by_ratio = (
        make_blob(image, dataclasses.replace(OPENCV, resize=resize)).pixels
        for resize in ("opencv", "torch")
    )
    assert by_scale.shape == by_ratio.shape
    assert (by_scale - by_ratio).abs().max() > 50


def test_boxes_go_back_by_the_scale_or_by_the_ratio_of_each_side():
    blob = make_blob(striped_image(100, 131), OPENCV)  # 33 x 43, of 33 x 43.23
    assert source_scale(blob, OPENCV) == (1 / 0.33, 1 / 0.33)
    by_ratio = dataclasses.replace(OPENCV, resize="torch")
    assert source_scale(blob, by_ratio) == (100 / 33, 131 / 43)
