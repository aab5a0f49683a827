"""What X-VLM's encoders give, each image and each caption once, against the model's forward."""

import numpy as np
import pytest
import torch

from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.models.xvlm.encoders import encode_captions, encode_features
from information_retrieval.models.xvlm.pair_blocks import attend_to_text
from tests.information_retrieval.models.xvlm.reference import assert_equal
from tests.information_retrieval.models.xvlm.tiny import SIDE, make_xvlm

TOKEN_IDS = [[2, 5, 9], [2], [2, 7, 8, 9, 11], [2, 6, 30], [2, 12]]


@pytest.fixture(scope="module")
def model():
    return make_xvlm(40)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(3, 3, SIDE, SIDE)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_features_are_the_models_own_in_their_order(model, pixels, batch_size):
    images, captions = encode_features(
        model, TOKEN_IDS, pixels.split(batch_size), batch_size=batch_size
    )
    with torch.inference_mode():
        expected = model(**pad_tokens(TOKEN_IDS, pad_id=0), pixel_values=pixels)
    assert_equal(images, expected.image_embeds)
    assert_equal(captions, expected.text_embeds)


def test_features_are_projected_in_float32_whatever_the_encoders_compute_in(model, pixels):
    exact = encode_features(model, TOKEN_IDS, [pixels])
    rounded = encode_features(model, TOKEN_IDS, [pixels], dtype=torch.bfloat16)
    for found, expected in zip(rounded, exact, strict=True):
        assert found.dtype == torch.float32
        assert (found.bfloat16().float() == found).float().mean() < 0.1
        assert_equal(found.norm(dim=-1), torch.ones(len(found)))
        assert 0 < (found - expected).abs().max() < 0.1


@torch.inference_mode()
def test_captions_are_grouped_by_their_length(model):
    groups = encode_captions(model, TOKEN_IDS, batch_size=1)
    assert [group.columns.tolist() for group in groups] == [[1], [4], [0, 3], [2]]
    tokens = pad_tokens(TOKEN_IDS, pad_id=0)
    plain = model.text_encoder.encode(tokens["input_ids"], tokens["attention_mask"])
    for group in groups:
        length = group.hidden.shape[1]
        expected = attend_to_text(model, plain[torch.from_numpy(group.columns), :length])
        np.testing.assert_allclose(group.hidden.numpy(), expected.numpy(), atol=1e-5)
