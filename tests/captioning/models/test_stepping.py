"""All captioners say of given words, one at a time, what they say of the whole caption."""

import pytest
import torch

from captioning.models.blip_captioner import BlipCaptioner
from tests.captioning.models.tiny import (
    make_blip,
    make_captioner,
    make_images,
    make_labels,
    make_pixels,
    make_prefix_captioner,
)

MAKERS = {
    "lstm": (lambda: make_captioner(seed=0, num_layers=2), make_images),
    "attention": (
        lambda: make_captioner(seed=0, decoder="attention"),
        lambda: make_images("attention"),
    ),
    "prefix": (make_prefix_captioner, make_images),
    "blip": (lambda: BlipCaptioner(make_blip(30), [5, 6]), make_pixels),
}


@torch.no_grad()
@pytest.mark.parametrize("kind", MAKERS)
def test_a_word_at_a_time_gives_the_logits_of_the_whole_caption(kind):
    make, images_of = MAKERS[kind]
    model, images, labels = make(), images_of(), make_labels([5, 5, 5])
    expected = model.target_logits(images, labels)
    assert expected.shape[:2] == labels.shape
    assert expected.std(0).max() > 1e-3  # images differ
    logits, state = model.begin(images)
    for step in range(labels.shape[1]):
        torch.testing.assert_close(logits, expected[:, step], atol=1e-5, rtol=1e-4)
        logits, state = model.advance(labels[:, step], state)


@torch.no_grad()
@pytest.mark.parametrize("kind", MAKERS)
def test_rows_can_be_repeated_left_out_and_put_in_another_order(kind):
    make, images_of = MAKERS[kind]
    model, images, labels = make(), images_of(), make_labels([5, 5, 5])
    _, state = model.begin(images)
    rows, order = torch.tensor([0, 0, 2]), torch.tensor([1, 0, 2])
    _, state = model.advance(labels[:, 0], state.select(rows))  # two beams of one image
    found, _ = model.advance(labels[:, 1], state.select(order))  # which change places
    read = torch.stack([labels[order, 0], labels[:, 1], labels[:, 2]], 1)
    expected = model.target_logits(images[rows], read)[:, 2]
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
