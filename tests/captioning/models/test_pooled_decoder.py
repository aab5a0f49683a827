"""The LSTM that reads an image as its first word, against plain numpy."""

import numpy as np
import pytest
import torch

from tests.captioning.models.slow import lstm_logits
from tests.captioning.models.tiny import make_captioner, make_images, make_labels


@torch.no_grad()
@pytest.mark.parametrize("projection", ["linear", "norm"])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_the_logits_are_those_of_plain_arithmetic(num_layers, projection):
    model = make_captioner(seed=0, num_layers=num_layers, projection=projection).double()
    images, labels = make_images().double(), make_labels([3, 5, 1])
    output = model(images, labels)
    for row, length in enumerate((4, 6, 2)):
        words = [1, *labels[row, : length - 1].tolist()]
        expected = lstm_logits(model, images[row].numpy(), words)
        np.testing.assert_allclose(output.start_logits[row], expected[0], atol=1e-10)
        np.testing.assert_allclose(output.logits[row, :length], expected[1:], atol=1e-10)


@torch.no_grad()
def test_rows_of_a_state_are_selected_in_any_order_and_twice():
    decoder = make_captioner(seed=0, num_layers=2).decoder
    images, words = torch.randn(3, 6), torch.randn(3, 1, 6)
    _, state = decoder.start(images)
    expected, _, _ = decoder.read(words, state)
    rows = torch.tensor([2, 0, 2])
    found, _, _ = decoder.read(words[rows], state.select(rows))
    torch.testing.assert_close(found, expected[rows])
