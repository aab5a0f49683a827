"""The pixels that CLIP sees: HF's processor to the last bit, and the original's negatives."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, CLIPImageProcessor

from information_retrieval.models.gallery_images import GalleryImages, photographic_negative
from preprocess.storage.images_file import ImagesFile, write_images_file

BACKENDS = ("torchvision", "pil")


@pytest.fixture(params=BACKENDS)
def processor(request, tmp_path):
    """Both of HF's implementations, with the settings of openai/clip-vit-base-patch32."""
    CLIPImageProcessor().save_pretrained(tmp_path / "clip")
    processor = AutoImageProcessor.from_pretrained(tmp_path / "clip", backend=request.param)
    assert processor.backend == request.param
    assert processor.size["shortest_edge"] == processor.crop_size["height"] == 224
    return processor


def gallery_pixels(tmp_path, paths, processor, **options) -> torch.Tensor:
    ids = np.arange(len(paths))
    write_images_file(tmp_path / "i.h5", ids, [path.read_bytes() for path in paths])
    images = GalleryImages(ImagesFile(tmp_path / "i.h5"), ids, processor, **options)
    return torch.stack([images[row] for row in ids])


def hf_pixels(paths, processor) -> torch.Tensor:
    """HF's own way: from the file through Pillow."""
    images = [Image.open(path) for path in paths]
    return torch.cat([processor(i, return_tensors="pt")["pixel_values"] for i in images])


def assert_same_bits(ours, hf):
    assert ours.dtype == hf.dtype == torch.float32
    assert ours.shape == hf.shape
    assert torch.equal(ours.view(torch.int32), hf.view(torch.int32))


def test_pixel_values_are_hfs_to_the_last_bit(tmp_path, processor):
    generator = np.random.default_rng(0)
    paths = []
    # Wide, tall, smaller and larger than the crop, a few pixels high, grey and palette images.
    for number, (height, width, mode) in enumerate(
        [(48, 64, "RGB"), (300, 250, "RGB"), (230, 500, "L"), (3, 40, "RGB"), (90, 60, "P")]
    ):
        pixels = generator.integers(0, 256, (height, width, 3), np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).convert(mode).save(paths[-1])
    assert_same_bits(gallery_pixels(tmp_path, paths, processor), hf_pixels(paths, processor))


def test_pixel_values_of_real_images_are_hfs_to_the_last_bit(shared_data, tmp_path, processor):
    paths = sorted((shared_data / "coco90" / "images").glob("*/*.jpg"))
    assert len(paths) == 90
    assert_same_bits(gallery_pixels(tmp_path, paths, processor), hf_pixels(paths, processor))


def test_a_negative_is_256_minus_each_of_the_256_values_modulo_256():
    values = np.arange(256, dtype=np.uint8)
    negative = photographic_negative(values)
    assert negative.dtype == np.uint8
    assert negative.tolist() == [0, *range(255, 0, -1)]
    # What transformers 4.11.2 did with floats: times 255, then the integer's lowest 8 bits.
    np.testing.assert_array_equal(
        negative, (values.astype(np.float32) * 255).astype(np.int64) % 256
    )
    np.testing.assert_array_equal(photographic_negative(negative), values)


def test_negatives_are_made_of_whole_images_before_they_are_resized(tmp_path, processor):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 250, 3), np.uint8)
    paths = [tmp_path / "image.png", tmp_path / "negative.png"]
    for path, image in zip(paths, (pixels, (256 - pixels.astype(int)) % 256), strict=True):
        Image.fromarray(image.astype(np.uint8)).save(path)
    ours = gallery_pixels(tmp_path, paths[:1], processor, negative_images=True)
    assert_same_bits(ours, hf_pixels(paths[1:], processor))
