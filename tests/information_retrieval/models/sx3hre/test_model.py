"""Sx3HRe as a model: what it computes, compares, saves and loads."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import layer_norm, normalize
from transformers import BertConfig, Data2VecVisionConfig

from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from information_retrieval.models.dual_encoder import scale_and_bias
from information_retrieval.models.sx3hre.configuration import Sx3hreConfig
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS, cut
from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.models.tokenization import caption_positions, pad_tokens
from tests.conftest import make_split
from tests.image_readers import all_scores, write_images_of_sizes
from tests.information_retrieval.models.sx3hre.tiny import (
    WIDTH,
    make_config,
    make_sx3hre,
    random_pixels,
    random_texts,
    save_sx3hre,
)

ARMS = ("itc", "none", "cosine")


@torch.no_grad()
@pytest.mark.parametrize("image", IMAGE_ENCODERS)
@pytest.mark.parametrize("text", TEXT_ENCODERS)
@pytest.mark.parametrize("alignment", ["itc", "none"])
def test_a_saved_model_computes_the_same_again(tmp_path, image, text, alignment):
    save_sx3hre(tmp_path, image=image, text=text, alignment=alignment, compared="output")
    loaded = load_model(str(tmp_path))
    tokenizer = load_tokenizer(str(tmp_path), loaded.config.text_config.vocab_size)
    config = {"alignment": alignment, "compared": "output"}
    model = make_sx3hre(image, text, len(tokenizer), **config)
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert (loaded.head is None) == (alignment == "none")
    assert load_processor(str(tmp_path)).image_processor.size["height"] == 24
    batch = {
        **random_texts([4, 7, 5], pad_id=tokenizer.pad_token_id),
        "pixel_values": random_pixels(),
    }
    found, expected = loaded(**batch), model(**batch)
    assert torch.equal(found.image_embeds, expected.image_embeds)
    assert torch.equal(found.text_embeds, expected.text_embeds)


def test_new_weights_are_as_published():
    config = make_config(alignment="itc")
    config.initializer_range = 0.05
    torch.manual_seed(0)
    model = Sx3hreModel(config)
    block = model.shared
    assert (block.gamma_1 == 0.2).all()
    assert (block.gamma_2 == 0.2).all()
    for bias in (block.attn.q_bias, block.attn.v_bias, block.attn.proj.bias, block.mlp.fc1.bias):
        assert not bias.any()
    for linear in (block.attn.qkv, block.mlp.fc1, block.mlp.fc2, model.head):
        assert linear.weight.std().item() == pytest.approx(0.05, rel=0.1)
    assert (model.norm.weight == 1).all()
    assert not model.norm.bias.any()
    for scale in (model.logit_scale, model.middle_logit_scale):
        assert scale.item() == pytest.approx(math.log(1 / 0.07))
    assert (model.norm.eps, block.norm1.eps, block.norm2.eps) == (1e-6, 1e-6, 1e-6)


def test_only_the_contrastive_arm_has_a_head_and_scales():
    extra = {"head.weight", "head.bias", "logit_scale", "middle_logit_scale"}
    names = {arm: set(dict(make_sx3hre(alignment=arm).named_parameters())) for arm in ARMS}
    assert names["none"] == names["cosine"] == names["itc"] - extra
    assert names["itc"] > extra


def test_the_published_size_is_that_of_the_parts():
    config = Sx3hreConfig(
        vision_config=cut(Data2VecVisionConfig(), 6), text_config=cut(BertConfig(), 6)
    )
    counts = {}
    for arm in ("none", "itc"):
        config.alignment = arm
        with torch.device("meta"):
            counts[arm] = Sx3hreModel(config).num_parameters()
    assert counts["none"] == 43_123_200 + 66_364_416 + 7_088_640 + 1_536
    # 592,128 with the norm, and two scales.
    assert counts["itc"] - counts["none"] == 592_128 - 1_536 + 2


def test_another_arm_gives_and_takes_the_head_and_keeps_the_rest():
    model = make_sx3hre(alignment="none")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(0)
    model.prepare_for("itc", "output")
    drawn = model.head.weight.clone()
    assert drawn.std().item() == pytest.approx(0.02, rel=0.1)
    assert not model.head.bias.any()
    assert model.logit_scale.requires_grad
    assert model.logit_scale.item() == pytest.approx(math.log(1 / 0.07))
    assert (model.config.alignment, model.config.compared) == ("itc", "output")
    model.prepare_for("itc", "output")
    assert torch.equal(model.head.weight, drawn)
    model.prepare_for("cosine", "normed")
    assert model.head is None
    assert model.logit_scale is None
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@torch.no_grad()
def test_what_is_regressed_and_what_is_compared():
    output = torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(0))
    model = make_sx3hre(alignment="none")
    normed = layer_norm(output, (WIDTH,), model.norm.weight, model.norm.bias, 1e-6)
    torch.testing.assert_close(model.regressed(output), normed)
    torch.testing.assert_close(model.compared(output), normed)
    model.config.compared = "output"
    assert torch.equal(model.compared(output), output)
    torch.testing.assert_close(model.regressed(output), normed)
    model.prepare_for("itc", "output")
    torch.nn.init.normal_(model.head.weight)
    expected = normed @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model.regressed(output), expected)
    assert torch.equal(model.compared(output), output)


@torch.no_grad()
@pytest.mark.parametrize("compared", ["normed", "output"])
def test_features_are_what_is_compared(compared):
    model = make_sx3hre(compared=compared)
    pixels, texts = random_pixels(), random_texts([5, 3, 4])
    images = model.encode_images(pixels).output
    captions = model.encode_texts(**texts).output
    if compared == "normed":
        images, captions = model.norm(images), model.norm(captions)
    torch.testing.assert_close(model.get_image_features(pixels).pooler_output, images)
    torch.testing.assert_close(model.get_text_features(**texts).pooler_output, captions)
    both = model(**texts, pixel_values=pixels)
    torch.testing.assert_close(both.image_embeds, normalize(images, dim=-1))
    torch.testing.assert_close(both.text_embeds, normalize(captions, dim=-1))
    assert scale_and_bias(model) == (1.0, 0.0)


@torch.no_grad()
@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_a_captions_vector_does_not_depend_on_the_others_of_its_batch(text):
    model = make_sx3hre(text=text).double()
    pad_id = model.config.text_config.pad_token_id
    generator = np.random.default_rng(0)
    captions = [generator.integers(5, 30, n).tolist() for n in (3, 11, 6)]
    together = model.get_text_features(**pad_tokens(captions, pad_id)).pooler_output
    for row, caption in enumerate(captions):
        alone = model.get_text_features(**pad_tokens([caption], pad_id)).pooler_output[0]
        torch.testing.assert_close(together[row], alone, atol=1e-12, rtol=0)
    assert (together[0] - together[1]).abs().max() > 0.1


@torch.no_grad()
@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_words_are_read_in_their_order(text):
    model = make_sx3hre(text=text)
    one, other = (torch.tensor([[5, a, b, 6]]) for a, b in ((7, 8), (8, 7)))
    mask = torch.ones_like(one)
    found = [model.get_text_features(ids, mask).pooler_output for ids in (one, other)]
    assert (found[0] - found[1]).abs().max() > 0.01


@torch.no_grad()
@pytest.mark.parametrize(("alignment", "compared"), [("none", "normed"), ("itc", "output")])
def test_a_gallerys_scores_are_the_cosines_of_what_is_compared(tmp_path, alignment, compared):
    split = make_split(5, "test")
    paths, images = write_images_of_sizes(tmp_path, split)
    folder = save_sx3hre(tmp_path / "model", alignment=alignment, compared=compared)
    model, processor = load_model(str(folder)), load_processor(str(folder))
    pictures = [Image.open(path) for path in paths]
    pixels = processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    texts = processor.tokenizer(list(split.captions), padding=True, return_tensors="pt")
    output = model(texts["input_ids"], texts["attention_mask"], pixels)
    expected = (output.image_embeds @ output.text_embeds.T).numpy()
    np.testing.assert_allclose(all_scores(folder, split, images), expected, atol=1e-5)
    assert expected.std() > 0.01


def test_captions_have_the_published_tokens_though_the_encoder_has_more_positions():
    assert caption_positions(make_sx3hre()) == 64
    assert caption_positions(make_sx3hre(text="roberta", max_tokens=40)) == 40


@pytest.mark.parametrize(("image", "side"), [("data2vec-vision", 40), ("beit", 48)])
def test_a_model_learns_after_it_was_scored(image, side):
    """HF keeps a table of each size for the process, also one that was made in inference mode."""
    config = make_config(image)
    config.vision_config.image_size = side
    model, pixels = Sx3hreModel(config), random_pixels(2, side)
    with torch.inference_mode():
        scored = model.get_image_features(pixels).pooler_output
        assert scored.is_inference()
    learnt = model.get_image_features(pixels).pooler_output
    torch.testing.assert_close(learnt.detach(), scored)
    learnt.sum().backward()
    assert not [n for n, p in model.vision_encoder.named_parameters() if p.grad is None]


def test_every_weight_moves_a_vector():
    model = make_sx3hre()
    model(**random_texts([5, 3]), pixel_values=random_pixels(2)).image_embeds.sum().backward()
    of_images = {name for name, p in model.named_parameters() if p.grad is not None}
    model(**random_texts([5, 3]), pixel_values=random_pixels(2)).text_embeds.sum().backward()
    assert of_images < set(dict(model.named_parameters()))
    assert not [name for name, p in model.named_parameters() if p.grad is None]
