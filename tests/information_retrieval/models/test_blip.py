"""BLIP's matching scores with each image encoded once, against HF's forward of each pair."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from information_retrieval.models.blip import BlipGallery
from information_retrieval.models.checkpoint import load_image_processor, load_model
from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.matching_gallery import encode_gallery
from tests.conftest import make_split
from tests.image_readers import all_scores, save_image_reader, write_images_of_sizes

TOLERANCE = 1e-5
SPLIT = make_split(4, "test")


@pytest.fixture
def images(tmp_path):
    return write_images_of_sizes(tmp_path, SPLIT)


def saved(tmp_path, **changes):
    return save_image_reader(tmp_path / "blip", "blip", **changes)


@torch.inference_mode()
def plain_scores(checkpoint, paths) -> np.ndarray:
    """The slow truth: HF's processor and forward, pair by pair."""
    model, processor = load_model(checkpoint), AutoProcessor.from_pretrained(checkpoint)
    scores = np.empty((len(paths), len(SPLIT.captions)), np.float32)
    for row, path in enumerate(paths):
        for column, caption in enumerate(SPLIT.captions):
            logits = model(**processor(Image.open(path), caption, return_tensors="pt")).itm_score[0]
            scores[row, column] = logits[1] - logits[0]
    return scores


def ours(checkpoint, images, rows=None, **options) -> np.ndarray:
    return all_scores(checkpoint, SPLIT, images[1], rows, **options)


@pytest.mark.parametrize("changes", [{}, {"num_hidden_layers": 1}, {"num_hidden_layers": 3}])
def test_the_scores_are_those_of_the_plain_forward(tmp_path, images, changes):
    checkpoint = saved(tmp_path, **changes)
    expected = plain_scores(checkpoint, images[0])
    assert expected.std() > 0.01
    np.testing.assert_allclose(ours(checkpoint, images), expected, atol=TOLERANCE)


def test_a_scorer_that_swaps_two_images_would_be_caught(tmp_path, images):
    checkpoint = saved(tmp_path)
    swapped = ours(checkpoint, images, rows=np.array([0, 2, 1, 3]))
    difference = np.abs(swapped - plain_scores(checkpoint, images[0]))
    assert difference[[1, 2]].max() > 100 * TOLERANCE
    assert difference[[0, 3]].max() < TOLERANCE


@pytest.mark.parametrize("place", ["attention", "crossattention"])
def test_a_scorer_that_swaps_query_and_key_would_be_caught(tmp_path, images, place):
    checkpoint = saved(tmp_path)
    expected = plain_scores(checkpoint, images[0])
    model = load_model(checkpoint)
    layer = getattr(model.text_encoder.encoder.layer[1], place).self
    weight = layer.query.weight.data  # the image's keys have another width than the words' queries
    layer.query.weight.data = layer.key.weight.data[:, : weight.shape[1]].clone()
    layer.key.weight.data[:, : weight.shape[1]] = weight
    model.save_pretrained(checkpoint)
    assert np.abs(ours(checkpoint, images) - expected).max() > 100 * TOLERANCE


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 3}, {"num_workers": 2}])
def test_batches_and_workers_do_not_change_the_scores(tmp_path, images, options):
    checkpoint = saved(tmp_path)
    found = ours(checkpoint, images, **options)
    np.testing.assert_allclose(found, ours(checkpoint, images), atol=TOLERANCE)


def test_bfloat16_does_not_tie_scores(tmp_path, images):
    checkpoint = saved(tmp_path)
    found, exact = (ours(checkpoint, images, dtype=d) for d in (torch.bfloat16, torch.float32))
    on_grid = torch.from_numpy(found).bfloat16().float().numpy() == found
    assert on_grid.mean() < 0.1
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()


def test_half_precision_keeps_the_images_in_half_the_memory(tmp_path, images):
    checkpoint = saved(tmp_path)
    pixels = GalleryImages(images[1], SPLIT.image_ids, load_image_processor(checkpoint))
    gallery = encode_gallery(BlipGallery, load_model(checkpoint), [], pixels, dtype=torch.bfloat16)
    assert {image.dtype for image in gallery.images} == {torch.bfloat16}
