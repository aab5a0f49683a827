"""What a captioner is shown: a CLIP's embedding and tokens, a ResNet's vector, as HF gives them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoImageProcessor,
    CLIPImageProcessor,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    CLIPVisionModelWithProjection,
    ResNetModel,
)

from preprocess.base.errors import InputError
from preprocess.encode_images import main
from preprocess.encoders.image_encoder import load_image_encoder, pixels_of
from preprocess.storage.encodings_file import EncodingsFile
from tests.conftest import save_clip
from tests.preprocess.encoders.small_images import write_small_images
from tests.preprocess.encoders.tiny_beit import random_pixels, save_beit
from tests.preprocess.encoders.tiny_resnet import save_resnet

DEMO_CLIP = Path(__file__).resolve().parents[3] / "demo" / "models" / "clip"


def clip_outputs(folder: Path, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Each kind, by plain calls of HF's models."""
    whole = CLIPModel.from_pretrained(folder, dtype="float32").eval()
    tower = CLIPVisionModel.from_pretrained(folder, dtype="float32").eval()
    with torch.no_grad():
        embedding = whole.get_image_features(pixel_values=pixels)
        return {
            "vector": tower(pixel_values=pixels).pooler_output,
            "embedding": getattr(embedding, "pooler_output", embedding),
            "tokens": tower(pixel_values=pixels).last_hidden_state,
        }


@pytest.mark.parametrize("kind", ["vector", "embedding", "tokens"])
@pytest.mark.parametrize("folder", [DEMO_CLIP, None], ids=["demo", "random"])
def test_each_kind_of_a_clip_is_what_hf_gives(tmp_path, folder, kind):
    folder = folder or save_clip(tmp_path / "clip")
    encoder = load_image_encoder(str(folder), kind=kind)
    pixels = random_pixels(side=encoder.side)
    expected = clip_outputs(folder, pixels)[kind]
    assert torch.equal(encoder.encode(pixels), expected)
    assert encoder.shape == tuple(expected.shape[1:])
    assert (encoder.width, encoder.kind) == (expected.shape[-1], kind)


def test_an_embedding_is_not_normalised_and_tokens_are_before_the_last_norm(tmp_path):
    folder = save_clip(tmp_path / "clip")
    pixels = random_pixels(side=32)
    made = {
        kind: load_image_encoder(str(folder), kind=kind).encode(pixels)
        for kind in ("vector", "embedding", "tokens")
    }
    whole = CLIPModel.from_pretrained(folder).eval()
    with torch.no_grad():
        vector = whole.vision_model.post_layernorm(made["tokens"][:, 0])
        projected = whole.visual_projection(made["vector"])
    assert torch.equal(vector, made["vector"])
    assert torch.equal(projected, made["embedding"])
    assert not torch.allclose(made["embedding"].norm(dim=-1), torch.ones(len(pixels)), atol=0.01)


def test_a_tower_with_its_projection_gives_an_embedding_and_one_without_says_so(tmp_path):
    folder = save_clip(tmp_path / "clip")
    with_projection, alone = tmp_path / "projected", tmp_path / "alone"
    config = CLIPVisionConfig.from_pretrained(folder, projection_dim=24)
    tower = CLIPVisionModelWithProjection.from_pretrained(folder, config=config)
    tower.save_pretrained(with_projection)
    CLIPVisionModel.from_pretrained(folder).save_pretrained(alone)
    for made in (with_projection, alone):
        CLIPImageProcessor.from_pretrained(folder).save_pretrained(made)
    pixels = random_pixels(side=32)
    found = load_image_encoder(str(with_projection), kind="embedding").encode(pixels)
    assert torch.equal(found, clip_outputs(folder, pixels)["embedding"])
    with pytest.raises(InputError, match=r"1 weights .* are missing: visual_projection\.weight"):
        load_image_encoder(str(alone), kind="embedding")


@pytest.mark.parametrize("kind", ["embedding", "tokens"])
@pytest.mark.parametrize("save", [save_beit, save_resnet])
def test_what_only_a_clip_has_is_refused_of_others(tmp_path, save, kind):
    folder = save(tmp_path / "model")
    with pytest.raises(InputError, match=rf"there is no {kind} of a model of type .* give a CLIP"):
        load_image_encoder(str(folder), kind=kind)


def test_a_resnet_gives_the_mean_of_its_last_map_frozen_also_in_its_batch_norms(tmp_path):
    folder = save_resnet(tmp_path / "resnet")
    encoder = load_image_encoder(str(folder))
    assert (encoder.shape, encoder.side, encoder.kind) == ((24,), 32, "vector")
    pixels = random_pixels(side=32)
    model = ResNetModel.from_pretrained(folder).eval()
    with torch.no_grad():
        output = model(pixel_values=pixels)
    assert torch.equal(encoder.encode(pixels), output.pooler_output.flatten(1))
    mean = output.last_hidden_state.mean((2, 3))
    assert (encoder.encode(pixels) - mean).abs().max() < 1e-6
    before = {name: buffer.clone() for name, buffer in encoder.model.named_buffers()}
    encoder.model.train()
    alone = torch.cat([encoder.encode(one[None]) for one in pixels])
    assert (alone - encoder.encode(pixels)).abs().max() < 1e-5  # of no other image of the batch
    for name, buffer in encoder.model.named_buffers():
        assert torch.equal(buffer, before[name]), name


def test_a_resnets_pixels_are_resized_by_its_own_processor_and_cropped(tmp_path):
    encoder = load_image_encoder(str(save_resnet(tmp_path / "resnet")))
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    # The shorter side to 32 / 0.875 pixels, and the middle of that.
    resized = np.asarray(Image.fromarray(image).resize((54, 36), Image.Resampling.BICUBIC))
    cropped = resized[2:34, 11:43] / 255
    expected = (cropped - encoder.mean) / encoder.std
    found = pixels_of(image, encoder.image_processor)
    np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1e-4)


def encode(run_main, tmp_path, encoder: Path, *more) -> EncodingsFile:
    images = tmp_path / "images.h5"
    if not images.exists():
        write_small_images(images, 3)
    output = tmp_path / "encodings.h5"
    words = ("--encoder", encoder, "--images", images, "--output", output, "--num_workers", 0)
    assert run_main(main, *words, *more) == 0
    return EncodingsFile(output)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "shape"), [("tokens", (50, 768)), ("embedding", (512,))])
def test_clip_vit_b32_gives_50_tokens_of_768_in_half_precision_or_512_numbers(
    tmp_path, run_main, kind, shape
):
    folder = tmp_path / "clip"
    config = CLIPVisionConfig(image_size=224, patch_size=32)
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    found = encode(run_main, tmp_path, folder, "--kind", kind)
    assert (found.shape, found.dtype) == (shape, "float16" if kind == "tokens" else "float32")
    n_bytes = 3 * (76_800 if kind == "tokens" else 2_048)
    assert n_bytes < found.path.stat().st_size < n_bytes + 20_000


@pytest.mark.long
def test_resnet_50_gives_2048_numbers(tmp_path, run_main):
    sizes = {"embedding_size": 64, "hidden_sizes": [256, 512, 1024, 2048], "depths": [3, 4, 6, 3]}
    folder = save_resnet(tmp_path / "resnet", side=224, **sizes)
    found = encode(run_main, tmp_path, folder)
    assert (found.shape, found.dtype) == ((2048,), "float32")
    model = ResNetModel.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    assert sum(parameter.numel() for parameter in model.parameters()) == 23_508_032
    assert processor.size["shortest_edge"] == 224
