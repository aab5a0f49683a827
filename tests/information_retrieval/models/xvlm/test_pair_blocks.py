"""X-VLM's fusion layers in blocks, against the model's own."""

import pytest
import torch

from information_retrieval.models.xvlm.model import MATCH
from information_retrieval.models.xvlm.pair_blocks import (
    attend_to_text,
    make_ready,
    read_images,
    score_block,
)
from tests.information_retrieval.models.xvlm.reference import assert_equal
from tests.information_retrieval.models.xvlm.tiny import make_xvlm


@torch.inference_mode()
@pytest.mark.parametrize("n_text_layers", [1, 2, 3])
@pytest.mark.parametrize(("n_images", "n_captions", "length"), [(3, 4, 5), (1, 2, 1), (2, 1, 7)])
def test_a_block_has_the_scores_of_the_plain_fusion(n_text_layers, n_images, n_captions, length):
    model = make_xvlm(40, n_text_layers=n_text_layers)
    torch.manual_seed(2)
    text = torch.randn(n_captions, length, 32)
    images = torch.randn(n_images, 17, model.config.vision_config.hidden_size)
    captions = make_ready(model, attend_to_text(model, text))
    found = score_block(model, captions, read_images(model, images))
    fused = model.text_encoder.fuse(
        text.repeat(n_images, 1, 1),
        torch.ones(n_images * n_captions, length, dtype=torch.int64),
        images.repeat_interleave(n_captions, dim=0),
    )
    expected = model.match(fused)[:, MATCH].view(n_images, n_captions)
    assert_equal(found, expected)
    assert found.std() > 1e-3


@torch.inference_mode()
def test_a_part_of_a_block_has_its_scores(pretrained):
    torch.manual_seed(2)
    text, images = torch.randn(4, 6, 48), torch.randn(3, 17, 192)
    captions = make_ready(pretrained, attend_to_text(pretrained, text))
    readings = read_images(pretrained, images)
    whole = score_block(pretrained, captions, readings)
    part = score_block(pretrained, captions[1:3], [reading[2:] for reading in readings])
    assert len(captions[1:3]) == 2
    assert_equal(part, whole[2:, 1:3])
