"""Image files as the detector's inputs: sizes told by headers, batches, damage."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from preprocess.base.errors import InputError
from preprocess.detector.regions import ImageBlob
from preprocess.extracting.image_blobs import ImageBlobs, LoadedImage, load_batches, plan_batches
from preprocess.storage.decoding import decode_rgb, read_upright_size
from tests.preprocess.detector.tiny_detector import TINY, random_image, save_random_image


def save_sizes(folder, sizes: list[tuple[int, int]]) -> list:
    paths = [folder / f"{row}.jpg" for row in range(len(sizes))]
    for row, path in enumerate(paths):
        save_random_image(path, row, *sizes[row])
    return paths


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_header_tells_the_size_of_the_upright_image(tmp_path, kind, orientation):
    path = tmp_path / "image"
    image = Image.fromarray(random_image(0, 40, 60))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, kind, exif=exif)
    expected = (40, 60) if orientation < 5 else (60, 40)
    assert read_upright_size(path) == expected
    assert decode_rgb(path.read_bytes(), "image").shape[:2] == expected


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff"])
def test_a_damaged_header_is_bad_input(tmp_path, content):
    (tmp_path / "image.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"image\.jpg"):
        read_upright_size(tmp_path / "image.jpg")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_header_with_changed_bytes_is_bad_input_or_a_size(tmp_path):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(random_image(0)).save(buffer, "JPEG", exif=exif)
    generator = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(buffer.getvalue())
        for position in generator.integers(0, 120, 3):
            changed[position] = generator.integers(256)
        (tmp_path / "image.jpg").write_bytes(changed)
        try:
            height, width = read_upright_size(tmp_path / "image.jpg")
        except InputError:
            continue
        assert height >= 0
        assert width >= 0


READ_LARGE = """
import sys
from pathlib import Path
from preprocess.storage.decoding import decode_rgb, read_upright_size
from preprocess.base.errors import InputError

path = Path(sys.argv[1])
print(read_upright_size(path))
try:
    decode_rgb(path.read_bytes(), "image")
except InputError as error:
    print(error)
"""


def test_a_large_image_that_is_still_decoded_is_not_warned_of(tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (10_000, 9_000)).save(buffer, "JPEG")
    (tmp_path / "image.jpg").write_bytes(buffer.getvalue()[:2000])  # all of the header
    command = [sys.executable, "-c", READ_LARGE, tmp_path / "image.jpg"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.stdout.startswith("(9000, 10000)\nimage: expected a whole image file")
    assert found.stderr == ""


def test_batches_are_of_one_blob_size_in_the_order_of_the_images(tmp_path):
    wide, tall = (48, 64), (64, 48)
    # The fifth is larger, and has the blob of the first.
    paths = save_sizes(tmp_path, [wide, tall, wide, wide, (96, 128), tall, wide])
    assert plan_batches(paths, TINY, 3, "sizes") == [[0, 2, 3], [1, 5], [4, 6]]
    assert plan_batches(paths, TINY, 1, "sizes") == [[row] for row in range(7)]
    assert plan_batches(paths, TINY, 99, "sizes") == [[0, 2, 3, 4, 6], [1, 5]]


def test_an_image_without_a_readable_header_is_alone(tmp_path):
    paths = save_sizes(tmp_path, [(48, 64)] * 4)
    paths[1].write_bytes(b"no image")
    paths[2].write_bytes(b"no image")
    assert plan_batches(paths, TINY, 8, "sizes") == [[0, 3], [1], [2]]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_batches_arrive_in_order_with_damaged_images_as_errors(tmp_path, num_workers):
    paths = save_sizes(tmp_path, [(48, 64)] * 4)
    paths[3].write_bytes(b"no image")
    batches = [[2, 0], [3, 1]]
    loaded = list(load_batches(paths, TINY, batches, num_workers, pin_memory=False))
    assert [[image.row for image in batch] for batch in loaded] == batches
    assert [image.path for image in loaded[0]] == [paths[2], paths[0]]
    assert isinstance(loaded[1][0].blob, InputError)
    assert str(paths[3]) in str(loaded[1][0].blob)
    assert torch.equal(loaded[0][0].blob.pixels, ImageBlobs(paths, TINY)[2].blob.pixels)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory needs a GPU")
def test_pixels_are_pinned_for_a_gpu(tmp_path):
    blob = ImageBlob(torch.zeros(3, 4, 5), 4, 5)
    assert LoadedImage(0, tmp_path, 0, blob).pin_memory().blob.pixels.is_pinned()
