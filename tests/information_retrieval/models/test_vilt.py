"""ViLT's scores with each image embedded once, against HF's forward of each pair."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from information_retrieval.models.checkpoint import load_image_processor, load_model
from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.matching_gallery import encode_gallery
from information_retrieval.models.vilt import PATCH_SEED, ViltGallery
from tests.conftest import make_split
from tests.image_readers import all_scores, save_image_reader, write_images_of_sizes

TOLERANCE = 1e-5
SPLIT = make_split(4, "test")


@pytest.fixture
def images(tmp_path):
    return write_images_of_sizes(tmp_path, SPLIT)


def saved(tmp_path, **changes):
    return save_image_reader(tmp_path / "vilt", "vilt", **changes)


@torch.inference_mode()
def plain_scores(checkpoint, paths) -> np.ndarray:
    """The slow truth: HF's processor and forward of each pair, with `PATCH_SEED`'s patches."""
    model, processor = load_model(checkpoint), AutoProcessor.from_pretrained(checkpoint)
    scores = np.empty((len(paths), len(SPLIT.captions)), np.float32)
    for row, path in enumerate(paths):
        for column, caption in enumerate(SPLIT.captions):
            inputs = processor(Image.open(path), caption, return_tensors="pt")
            torch.manual_seed(PATCH_SEED)
            scores[row, column] = model(**inputs).logits.item()
    return scores


def ours(checkpoint, images, rows=None, **options) -> np.ndarray:
    return all_scores(checkpoint, SPLIT, images[1], rows, **options)


def test_the_scores_are_those_of_the_plain_forward(tmp_path, images):
    checkpoint = saved(tmp_path)
    expected = plain_scores(checkpoint, images[0])
    assert expected.std() > 0.01
    np.testing.assert_allclose(ours(checkpoint, images), expected, atol=TOLERANCE)


def test_images_of_different_sizes_have_different_numbers_of_patches(tmp_path, images):
    checkpoint = saved(tmp_path)
    pixels = GalleryImages(images[1], SPLIT.image_ids, load_image_processor(checkpoint))
    gallery = encode_gallery(ViltGallery, load_model(checkpoint), [], pixels)
    assert [len(image) for image in gallery.images] == [21, 21, 17, 13]


def test_a_scorer_that_swaps_two_images_would_be_caught(tmp_path, images):
    checkpoint = saved(tmp_path)
    swapped = ours(checkpoint, images, rows=np.array([0, 2, 1, 3]))
    difference = np.abs(swapped - plain_scores(checkpoint, images[0]))
    assert difference[[1, 2]].max() > 100 * TOLERANCE
    assert difference[[0, 3]].max() < TOLERANCE


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"num_workers": 2}])
def test_a_choice_of_patches_is_the_same_in_every_run(tmp_path, images, options):
    checkpoint = saved(tmp_path, max_image_length=5)
    torch.manual_seed(1)
    found = ours(checkpoint, images, **options)
    np.testing.assert_array_equal(found, ours(checkpoint, images))
    alone = ours(checkpoint, images, rows=np.array([2]))
    np.testing.assert_array_equal(found[2:3], alone)
    np.testing.assert_allclose(found, plain_scores(checkpoint, images[0]), atol=TOLERANCE)


def test_embedding_patches_leaves_the_random_numbers_of_others_alone(tmp_path):
    model = load_model(saved(tmp_path))
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    ViltGallery.encode_images(model, torch.zeros(1, 3, 32, 40))
    assert torch.equal(torch.rand(3), expected)


def test_bfloat16_does_not_tie_scores(tmp_path, images):
    checkpoint = saved(tmp_path)
    found, exact = (ours(checkpoint, images, dtype=d) for d in (torch.bfloat16, torch.float32))
    on_grid = torch.from_numpy(found).bfloat16().float().numpy() == found
    assert on_grid.mean() < 0.1
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()
