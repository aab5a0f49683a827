"""An Sx3HRe that begins as the first layers of two pretrained encoders."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from information_retrieval.models.known_answers import pixel_answers, token_answers
from information_retrieval.models.sx3hre.encoders import IMAGE_ENCODERS, TEXT_ENCODERS
from information_retrieval.models.sx3hre.initialisation import (
    initialised,
    load_encoders,
    make_processor,
)
from preprocess.base.errors import InputError
from preprocess.encoders.image_encoder import load_image_encoder, pixels_of
from tests.information_retrieval.models.sx3hre.tiny import (
    HEADS,
    HIDDEN,
    SIDE,
    WIDTH,
    random_pixels,
    random_texts,
    save_encoder,
)
from tests.preprocess.encoders.tiny_beit import save_beit


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[str, str]:
    """The folders of uncut encoders of 3 layers, by their type; and of BEiT-2."""
    folder = tmp_path_factory.mktemp("encoders")
    kinds = (*IMAGE_ENCODERS, *TEXT_ENCODERS)
    found = {kind: str(save_encoder(folder / kind, kind)) for kind in kinds}
    return {**found, "beit2": str(save_beit(folder / "beit2"))}


@torch.no_grad()
@pytest.mark.parametrize(
    ("image", "depth"), [*((kind, n) for kind in IMAGE_ENCODERS for n in (1, 2)), ("beit2", 1)]
)
def test_images_are_encoded_as_by_the_first_layers(saved, image, depth):
    whole = AutoModel.from_pretrained(saved[image]).eval()
    encoders = load_encoders(saved[image], saved["bert"], depth)
    pixels = random_pixels()
    expected = whole(pixels, output_hidden_states=True).hidden_states[depth]
    model = initialised(encoders, seed=0)
    assert torch.equal(model.vision_encoder(pixels).last_hidden_state, expected)
    assert not model.training


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_texts_are_encoded_as_by_the_first_layers(saved, text, depth):
    whole = AutoModel.from_pretrained(saved[text]).eval()
    model = initialised(load_encoders(saved["beit"], saved[text], depth), seed=0)
    texts = random_texts([4, 9, 6], pad_id=whole.config.pad_token_id)
    expected = whole(**texts, output_hidden_states=True).hidden_states[depth]
    assert torch.equal(model.text_encoder(**texts).last_hidden_state, expected)


def test_without_a_depth_all_layers_are_kept(saved):
    encoders = load_encoders(saved["beit"], saved["bert"], None)
    assert encoders.image.config.num_hidden_layers == 3
    assert encoders.text.config.num_hidden_layers == 3


def test_what_is_new_is_drawn_by_the_seed_and_the_rest_is_not(saved):
    encoders = load_encoders(saved["beit"], saved["bert"], 2)
    one, same, other = (initialised(encoders, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    drawn = {name for name in one if not torch.equal(one[name], other[name])}
    linear = ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2")
    assert drawn == {f"shared.{name}.weight" for name in linear}
    assert (one["shared.gamma_1"] == 0.2).all()
    assert (one["norm.weight"] == 1).all()


def test_the_block_has_the_text_encoders_sizes(saved):
    config = initialised(load_encoders(saved["beit"], saved["bert"], 2), 0).config
    assert (config.num_attention_heads, config.intermediate_size) == (HEADS, HIDDEN)
    assert (config.hidden_size, config.alignment, config.teacher) == (WIDTH, "none", None)


def test_captions_have_no_more_tokens_than_the_text_encoder_has_positions(saved, tmp_path):
    for kind, positions in (("bert", 20), ("roberta", 22)):
        folder = save_encoder(tmp_path / kind, kind, max_position_embeddings=positions)
        model = initialised(load_encoders(saved["beit"], str(folder), 2), 0)
        assert model.config.max_tokens == 20
        full = random_texts([20], pad_id=model.config.text_config.pad_token_id)
        model.encode_texts(**full)
    assert initialised(load_encoders(saved["beit"], saved["bert"], 2), 0).config.max_tokens == 64


@pytest.mark.parametrize("text", TEXT_ENCODERS)
def test_the_processor_has_the_text_encoders_tokenizer_and_imagenets_pixels(saved, text):
    config = initialised(load_encoders(saved["beit"], saved[text], 2), 0).config
    processor = make_processor(saved[text], config)
    assert len(processor.tokenizer) == config.text_config.vocab_size
    assert processor.tokenizer.model_max_length == 64
    assert all(a.is_right for a in pixel_answers(processor.image_processor, config))
    assert all(a.is_right for a in token_answers(processor.tokenizer, config))


def test_student_and_teacher_read_the_same_pixels(saved):
    """So that one view serves both, and what is cached is what the teacher says of it."""
    config = initialised(load_encoders(saved["beit"], saved["bert"], 2), 0).config
    own = make_processor(saved["bert"], config).image_processor
    teacher = load_image_encoder(saved["beit2"]).image_processor
    pixels = np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)
    photograph = np.asarray(Image.fromarray(pixels).resize((61, 45), Image.Resampling.BICUBIC))
    assert torch.equal(pixels_of(photograph, own), pixels_of(photograph, teacher))
    assert pixels_of(photograph, own).shape == (3, SIDE, SIDE)


def refused(image: object, text: object, told: str, depth: int | None = 2) -> None:
    with pytest.raises(InputError, match=told) as raised:
        load_encoders(str(image), str(text), depth)
    assert "\n" not in str(raised.value)


def test_other_kinds_of_models_and_folders_are_refused(saved, tmp_path):
    bert, beit = saved["bert"], saved["beit"]
    of_images = r"--image_encoder .*: expected a model of type data2vec-vision or beit, found bert"
    refused(bert, bert, of_images)
    of_texts = r"--text_encoder .*: expected a model of type bert or .* or roberta, found beit"
    refused(beit, beit, of_texts)
    refused(tmp_path / "none", bert, r"--image_encoder .*none: expected an HF checkpoint folder")
    refused(beit, tmp_path / "none", r"--text_encoder .*none: expected an HF checkpoint folder")
    (tmp_path / "config.json").write_text("{")
    refused(tmp_path, bert, f"--image_encoder {tmp_path}: expected an HF checkpoint folder")


def test_fewer_layers_than_the_depth_are_refused(saved):
    for depth in (4, 0):
        told = rf"--image_encoder .*: --depth: expected 1 to 3, .* found {depth}"
        refused(saved["beit"], saved["bert"], told, depth)
    told = r"--image_encoder .*beit2: --depth: expected 1 to 2, the encoder's layers, found 3"
    refused(saved["beit2"], saved["bert"], told, 3)


def test_two_widths_are_refused(saved, tmp_path):
    narrow = save_encoder(tmp_path / "narrow", "bert", hidden_size=12)
    refused(
        saved["beit"], narrow, r"--text_encoder .*narrow: expected the width .* 24, .* found 12"
    )


def damaged(folder: str, copy: Path, change) -> Path:
    """A copy of a checkpoint folder whose weights are changed."""
    copy.mkdir()
    for path in Path(folder).iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    weights = load_file(copy / "model.safetensors")
    change(weights)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_weights_that_are_missing_damaged_or_of_another_shape_are_refused(saved, tmp_path):
    lost = "encoder.layer.1.output.dense.weight"
    lacking = damaged(saved["beit"], tmp_path / "lacking", lambda w: w.pop(lost))
    refused(
        lacking, saved["bert"], r"lacking: 1 weights are not in the checkpoint \(.*\.1\..*weight"
    )
    # A layer that is not kept may lack what it will.
    beyond = lost.replace("1", "2", 1)
    shorter = damaged(saved["beit"], tmp_path / "shorter", lambda w: w.pop(beyond))
    load_encoders(str(shorter), saved["bert"], 2)
    config = json.loads((lacking / "config.json").read_text())
    (lacking / "config.json").write_text(json.dumps({**config, "intermediate_size": 12}))
    refused(lacking, saved["bert"], r"--image_encoder .*lacking: ")
    (lacking / "model.safetensors").write_bytes(b"{")
    refused(lacking, saved["bert"], r"--image_encoder .*lacking: ")
    (lacking / "model.safetensors").unlink()
    refused(lacking, saved["bert"], r"--image_encoder .*lacking: ")


def test_a_missing_tokenizer_is_refused(saved, tmp_path):
    config = initialised(load_encoders(saved["beit"], saved["bert"], 2), 0).config
    folder = tmp_path / "alone"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((Path(saved["bert"]) / name).read_bytes())
    with pytest.raises(InputError, match=r"--text_encoder .*alone: .*tokenizer"):
        make_processor(str(folder), config)
