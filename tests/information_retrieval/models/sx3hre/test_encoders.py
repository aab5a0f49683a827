"""The first layers of an encoder, without what follows its last."""

import pytest
import torch
from torch import nn
from transformers import AutoModel, BertConfig, Data2VecTextConfig, Data2VecVisionConfig

from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS, build, cut
from preprocess.base.errors import InputError
from tests.information_retrieval.models.sx3hre.tiny import (
    image_config,
    perturb,
    random_pixels,
    random_texts,
    text_config,
)


def whole(kind: str) -> nn.Module:
    """An uncut encoder of 3 layers, with HF's own norm, pooler and mask token."""
    make = image_config if kind in IMAGE_ENCODERS else text_config
    torch.manual_seed(0)
    model = AutoModel.from_config(make(kind, num_hidden_layers=3)).eval()
    perturb(model)
    return model


def inputs(kind: str) -> dict[str, torch.Tensor]:
    if kind in IMAGE_ENCODERS:
        return {"pixel_values": random_pixels()}
    return random_texts([5, 9, 3], pad_id=0 if kind == "bert" else 1)


def first_layers(model: nn.Module, depth: int | None) -> nn.Module:
    encoder = build(cut(model.config, depth)).eval()
    state = model.state_dict()
    encoder.load_state_dict({name: state[name] for name in encoder.state_dict()})
    return encoder


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", [*IMAGE_ENCODERS, *TEXT_ENCODERS])
def test_the_output_is_what_the_next_layer_of_the_uncut_one_would_read(kind, depth):
    model = whole(kind)
    expected = model(**inputs(kind), output_hidden_states=True).hidden_states[depth]
    found = first_layers(model, depth)(**inputs(kind))
    assert torch.equal(found.last_hidden_state, expected)
    assert found.pooler_output is None


@torch.no_grad()
@pytest.mark.parametrize("kind", [*IMAGE_ENCODERS, *TEXT_ENCODERS])
def test_all_layers_are_without_the_norm_and_the_pooler_that_follow(kind):
    model, read = whole(kind), []
    layers = model.layers if hasattr(model, "layers") else model.encoder.layer
    layers[-1].register_forward_hook(lambda module, given, made: read.append(made))
    output = model(**inputs(kind)).last_hidden_state
    expected = read[0] if torch.is_tensor(read[0]) else read[0][0]
    assert torch.equal(output, expected) == (kind in TEXT_ENCODERS)  # post-norm
    found = first_layers(model, None)
    assert torch.equal(found(**inputs(kind)).last_hidden_state, expected)
    assert not [name for name, _ in found.named_parameters() if "pooler" in name]


@pytest.mark.parametrize("kind", IMAGE_ENCODERS)
def test_of_an_image_encoder_drop_path_and_mask_token_are_left_out(kind):
    encoder = first_layers(whole(kind), 2)
    assert encoder.config.drop_path_rate == 0
    assert not [name for name, _ in encoder.named_parameters() if "mask_token" in name]
    pixels = random_pixels()
    trained, evaluated = (encoder.train(mode)(pixels)[0] for mode in (True, False))
    assert torch.equal(trained, evaluated)


def test_every_weight_of_a_cut_encoder_moves_what_is_made_of_it():
    """Else training on many processes would wait for a gradient that never comes."""
    for kind in (*IMAGE_ENCODERS, *TEXT_ENCODERS):
        encoder = first_layers(whole(kind), 2)
        encoder(**inputs(kind)).last_hidden_state.square().sum().backward()
        assert not [name for name, p in encoder.named_parameters() if p.grad is None], kind


@pytest.mark.parametrize("depth", [0, -1, 4])
def test_a_depth_that_an_encoder_has_not_is_refused(depth):
    with pytest.raises(InputError, match=f"--depth: expected 1 to 3, .* found {depth}"):
        cut(text_config(num_hidden_layers=3), depth)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Data2VecVisionConfig(), 43_123_200),
        (
            Data2VecTextConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1),
            81_527_808,
        ),
        (BertConfig(), 66_364_416),
    ],
)
def test_six_published_layers_have_their_size(config, expected):
    with torch.device("meta"):
        encoder = build(cut(config, 6))
    assert sum(parameter.numel() for parameter in encoder.parameters()) == expected
