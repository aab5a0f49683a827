"""A frozen encoder: the vectors of HF's own models, constants, whatever is done around it."""

import json
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from transformers import CLIPImageProcessor, CLIPModel, CLIPVisionModel

from preprocess.base.errors import InputError, InputWarning
from preprocess.encoders.beit_conversion import MEAN, STD
from preprocess.encoders.image_encoder import ImageEncoder, load_image_encoder, pixels_of
from tests.conftest import save_clip
from tests.preprocess.encoders.tiny_beit import (
    published_state,
    random_pixels,
    save_beit,
    slow_pooled,
    slow_tokens,
)


@pytest.fixture
def beit(tmp_path) -> ImageEncoder:
    return load_image_encoder(str(save_beit(tmp_path / "beit")))


def test_beit_gives_its_cls_of_plain_arithmetic(beit):
    pixels = random_pixels()
    encoded = beit.encode(pixels)
    assert encoded.dtype == torch.float32
    expected = slow_tokens(published_state(), pixels)[:, 0]
    assert (encoded - expected).abs().max() < 1e-5
    assert (beit.name, beit.width, beit.side) == ("beit", 24, 24)
    assert (beit.mean, beit.std) == (MEAN, STD)
    assert beit.revision.startswith("sha256:")


def test_a_fine_tuned_beit_that_was_asked_for_gives_the_mean_of_its_patches(tmp_path):
    state, pixels = published_state(fine_tuned=True), random_pixels()
    encoder = load_image_encoder(str(save_beit(tmp_path / "tuned", state, fine_tuned=True)))
    assert (encoder.encode(pixels) - slow_pooled(state, pixels)).abs().max() < 1e-5


def test_clip_gives_the_cls_of_its_image_tower_before_the_projection(tmp_path):
    folder = save_clip(tmp_path / "clip")
    encoder, whole = load_image_encoder(str(folder)), CLIPModel.from_pretrained(folder).eval()
    assert (encoder.width, encoder.side) == (32, 32)
    pixels = random_pixels(side=32)
    with torch.no_grad():
        tower = whole.vision_model(pixel_values=pixels)
    assert torch.equal(encoder.encode(pixels), tower.pooler_output)
    norm = whole.vision_model.post_layernorm
    assert torch.equal(encoder.encode(pixels), norm(tower.last_hidden_state[:, 0]).detach())


def test_a_tower_alone_gives_what_its_clip_gives(tmp_path):
    folder, alone = save_clip(tmp_path / "clip"), tmp_path / "alone"
    CLIPVisionModel.from_pretrained(folder).save_pretrained(alone)
    CLIPImageProcessor.from_pretrained(folder).save_pretrained(alone)
    pixels = random_pixels(side=32)
    encoders = [load_image_encoder(str(name)) for name in (folder, alone)]
    assert torch.equal(encoders[0].encode(pixels), encoders[1].encode(pixels))
    assert encoders[0].mean == encoders[1].mean


def test_train_leaves_it_in_eval_mode_even_within_another_model(beit):
    pixels = random_pixels()
    before = beit.encode(pixels)
    for layer in beit.model.tower.layers:
        layer.drop_path = nn.Dropout(0.5)  # as one with a live drop path has in train mode
    outer = nn.ModuleList([beit.model, nn.Linear(2, 2)])
    outer.train()
    beit.model.train()
    assert outer[1].training
    assert not any(module.training for module in beit.model.modules() if module is not None)
    assert torch.equal(beit.encode(pixels), before)


def test_nothing_of_it_is_trained(beit):
    assert not any(parameter.requires_grad for parameter in beit.model.parameters())
    student = nn.Linear(3, beit.width)
    pixels = random_pixels().requires_grad_()
    target = beit.encode(pixels)
    assert not target.requires_grad
    nn.functional.mse_loss(student(torch.ones(4, 3)), target).backward()
    assert student.weight.grad is not None
    assert pixels.grad is None


def test_a_target_made_in_inference_mode_serves_a_loss_outside_it(beit):
    with torch.inference_mode():
        target = beit.encode(random_pixels().clone())
    assert not target.is_inference()
    student = nn.Linear(3, beit.width)
    (student(torch.ones(4, 3)) * target).sum().backward()


def test_autocast_and_half_precision_pixels_change_nothing_of_its_type(beit):
    pixels = random_pixels()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(beit.encode(pixels), beit.encode(pixels.double()))
        encoded = beit.encode(pixels)
    assert encoded.dtype == torch.float32
    assert torch.equal(encoded, beit.encode(pixels))
    assert beit.encode(pixels.half()).dtype == torch.float32


def test_pixels_are_resized_whole_by_pillow_and_normalised(beit):
    image = np.zeros((30, 60, 3), np.uint8)
    image[:, 30:] = 255
    pixels = pixels_of(image, beit.image_processor)
    assert pixels.shape == (3, 24, 24)  # the whole image, its shape not kept
    black, white = ((np.array(value) - MEAN) / STD for value in (0, 1))
    np.testing.assert_allclose(pixels[:, 12, 0], black, atol=1e-5)
    np.testing.assert_allclose(pixels[:, 12, -1], white, atol=1e-5)


def change_processor(folder, **changes) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_pixels_as_of_beits_first_version_are_told(tmp_path):
    folder = save_beit(tmp_path / "beit")
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        load_image_encoder(str(folder))
    change_processor(folder, image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5])
    with pytest.warns(InputWarning, match=r"normalised by 0\.5, as for the first version of BEiT"):
        assert load_image_encoder(str(folder)).mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"size": {"height": 32, "width": 32}}, "expected an image processor for 24 x 24 pixels"),
        ({"do_normalize": False}, "that rescales and normalises"),
        ({"do_rescale": False}, "that rescales and normalises"),
    ],
)
def test_a_processor_for_something_else_is_refused(tmp_path, changes, said):
    folder = save_beit(tmp_path / "beit")
    change_processor(folder, **changes)
    with pytest.raises(InputError, match=said):
        load_image_encoder(str(folder))


def test_a_folder_without_a_processor_is_refused(tmp_path):
    folder = save_beit(tmp_path / "beit")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="no image processor"):
        load_image_encoder(str(folder))
