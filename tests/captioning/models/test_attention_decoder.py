"""The LSTM that attends to an image's tokens, against plain numpy."""

import numpy as np
import pytest
import torch

from tests.captioning.models.slow import attention_logits
from tests.captioning.models.tiny import make_captioner, make_images, make_labels


@torch.no_grad()
@pytest.mark.parametrize("projection", ["none", "linear", "norm"])
def test_logits_and_attention_are_those_of_plain_arithmetic(projection):
    model = make_captioner(decoder="attention", projection=projection).double()
    images, labels = make_images("attention").double(), make_labels([3, 5, 1])
    output = model(images, labels)
    for row, length in enumerate((4, 6, 2)):
        words = [1, *labels[row, : length - 1].tolist()]
        logits, alphas = attention_logits(model, images[row].numpy(), words)
        np.testing.assert_allclose(output.logits[row, :length], logits, atol=1e-8)
        np.testing.assert_allclose(output.alphas[row, :length], alphas, atol=1e-8)
        assert not output.alphas[row, length:].any()


@torch.no_grad()
def test_tokens_in_another_order_give_the_same_words_and_are_looked_at_in_that_order():
    model = make_captioner(seed=0, decoder="attention")
    images, labels = make_images("attention"), make_labels([3, 5, 1])
    order = torch.tensor([3, 0, 4, 1, 2])
    output, other = model(images, labels), model(images[:, order], labels)
    torch.testing.assert_close(other.logits, output.logits)
    torch.testing.assert_close(other.alphas, output.alphas[:, :, order])


@torch.no_grad()
def test_any_number_of_tokens_is_read():
    model, labels = make_captioner(seed=0, decoder="attention"), make_labels([2, 3])
    for n_tokens in (1, 50):
        alphas = model(torch.randn(2, n_tokens, 8), labels).alphas
        assert alphas.shape == (2, 4, n_tokens)
        torch.testing.assert_close(alphas[1].sum(-1), torch.ones(4))


@torch.no_grad()
def test_rows_of_a_state_are_selected_in_any_order_and_twice():
    decoder = make_captioner(seed=0, decoder="attention").decoder
    words = torch.randn(3, 1, 6)
    _, state = decoder.start(torch.randn(3, 5, 6))
    expected, _, _ = decoder.read(words, state)
    rows = torch.tensor([2, 0, 2])
    found, _, _ = decoder.read(words[rows], state.select(rows))
    torch.testing.assert_close(found, expected[rows])
