"""BEiT-2 converted, held against plain arithmetic and the record, and what is refused."""

import argparse
import importlib.util
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import BeitConfig, BeitForMaskedImageModeling, BeitModel

from preprocess.base.errors import InputError, InputWarning
from preprocess.encoders.beit_conversion import (
    convert,
    make_processor,
    read_weights,
    warn_of_first_version,
)
from preprocess.encoders.image_encoder import pixels_of
from tests.preprocess.encoders.tiny_beit import (
    published_shapes,
    published_state,
    random_pixels,
    slow_pooled,
    slow_tokens,
)

NAMED_MISTAKES = (
    "cls_no_final_norm",
    "mean_of_patches",
    "cls_pixels_half",
    "cls_bgr",
    "cls_transposed_bias_index",
    "cls_bias_not_loaded",
)


@torch.no_grad()
def outputs(model: BeitModel, pixels: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Tokens and the image's vector."""
    found = model(pixel_values=pixels)
    return found.last_hidden_state.numpy(), found.pooler_output.numpy()


def difference(found: np.ndarray, expected) -> float:
    return float(np.abs(found - np.asarray(expected)).max())


def test_the_cls_after_the_final_norm_is_that_of_plain_arithmetic():
    state, pixels = published_state(), random_pixels()
    tokens, vector = outputs(convert(state), pixels)
    expected = slow_tokens(state, pixels)
    assert difference(tokens, expected) < 1e-5
    assert difference(vector, expected[:, 0]) < 1e-5


def test_fine_tuned_weights_give_the_norm_of_the_mean_of_the_patches():
    state, pixels = published_state(fine_tuned=True), random_pixels()
    tokens, vector = outputs(convert(state, fine_tuned=True), pixels)
    assert difference(tokens, slow_tokens(state, pixels)) < 1e-5
    assert difference(vector, slow_pooled(state, pixels)) < 1e-5


@pytest.fixture
def record(shared_data: Path):
    """The recorded numbers, and a function that makes the weights of a group of shapes."""
    folder = shared_data / "sx3hre_reference"
    if not folder.is_dir():
        pytest.skip("needs the recorded numbers in ../shared/data/sx3hre_reference")
    spec = importlib.util.spec_from_file_location("seeded", folder / "seeded_weights.py")
    seeded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(seeded)
    shapes = json.loads((folder / "shapes.json").read_text("utf-8"))

    def weights(group: str) -> dict[str, torch.Tensor]:
        arrays = seeded.state_dict(shapes[group])
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    return np.load(folder / "sx3hre_reference.npz"), weights


def test_tokens_and_cls_are_those_of_the_record_and_far_from_every_named_mistake(record):
    numbers, weights = record
    pixels = torch.from_numpy(numbers["pixel_values"]).float()
    tokens, vector = outputs(convert(weights("teacher_pt")), pixels)
    assert difference(tokens, numbers["teacher_tokens"]) < 1e-5
    assert difference(vector, numbers["teacher_cls"]) < 1e-5
    for mistake in NAMED_MISTAKES:
        assert difference(vector, numbers[f"wrong_teacher_{mistake}"]) > 0.5, mistake


def test_the_processor_makes_the_pixels_of_the_record(record):
    numbers, _ = record
    processor = make_processor(32)
    for image, expected in zip(numbers["pixels_uint8"], numbers["pixel_values"], strict=True):
        assert difference(pixels_of(image, processor).numpy(), expected) < 1e-5


def test_fine_tuned_weights_give_the_pooled_vector_of_the_record(record):
    numbers, weights = record
    state = weights("teacher_ft")
    pixels = torch.from_numpy(numbers["pixel_values"]).float()
    tokens, vector = outputs(convert(state, fine_tuned=True), pixels)
    assert difference(vector, numbers["finetuned_pooled"]) < 1e-5
    assert difference(tokens[:, 0], numbers["finetuned_cls_raw"]) < 1e-5
    for other in ("finetuned_cls_raw", "finetuned_cls_fc_norm"):
        assert difference(vector, numbers[other]) > 0.5
    with pytest.raises(InputError, match="nothing trained their"):
        convert(state)


def test_fine_tuned_weights_are_refused_unless_asked_for_and_only_they_are_asked_for():
    with pytest.raises(InputError, match=r"fine-tuned weights .* nothing trained .* --fine_tuned"):
        convert(published_state(fine_tuned=True))
    with pytest.raises(InputError, match="these are self-supervised weights"):
        convert(published_state(), fine_tuned=True)


def test_every_weight_that_is_missing_unknown_or_of_another_shape_is_listed():
    state = published_state()
    del state["blocks.1.attn.v_bias"], state["norm.bias"]
    state["pos_embed"] = torch.zeros(1, 10, 24)
    state["blocks.0.attn.qkv.bias"] = torch.zeros(72)
    state["blocks.0.mlp.fc2.bias"] = torch.zeros(25)
    state["blocks.1.attn.qkv.weight"] = torch.zeros(70, 24)
    state["blocks.0.gamma_1"] = torch.full((24,), torch.nan)
    with pytest.raises(InputError) as error:
        convert(state)
    line = str(error.value)
    for part in (
        "2 missing: layernorm.bias, layers.1.attention.v_proj.bias",
        "2 unknown: layers.0.attn.qkv.bias, pos_embed",
        "layers.0.mlp.fc2.bias (25,) instead of (24,)",
        "layers.1.attention.k_proj.weight (23, 24) instead of (24, 24)",
        "1 infinite or NaN: layers.0.lambda_1",
    ):
        assert part in line


def test_the_base_size_has_its_number_of_weights_and_all_are_in_their_places():
    shapes = published_shapes(width=768, heads=12, blocks=12, patch=16, grid=14)
    # Without room for each: a number, as often as the shape asks.
    state = {name: torch.tensor(0.5).expand(shape) for name, shape in shapes.items()}
    qkv = torch.randn(2304, 768)
    state["blocks.11.attn.qkv.weight"] = qkv
    model = convert(state)
    assert model.num_parameters() == 85_665_360
    attention = model.layers[11].attention
    for part, layer in enumerate((attention.q_proj, attention.k_proj, attention.v_proj)):
        assert torch.equal(layer.weight, qkv[768 * part : 768 * (part + 1)])
    assert attention.k_proj.bias is None


def save_pth(path: Path, state: dict, **others) -> Path:
    torch.save({"model": state, **others}, path)
    return path


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value)


def test_files_of_torch_and_safetensors_and_folders_are_read(tmp_path):
    state = published_state()
    options = argparse.Namespace(model="beit_base", lr=1e-3)
    assert_same(read_weights(save_pth(tmp_path / "a.pth", state, epoch=3, args=options)), state)
    torch.save(state, tmp_path / "b.pth")
    assert_same(read_weights(tmp_path / "b.pth"), state)
    (tmp_path / "parts").mkdir()
    names = sorted(state)
    for number, part in enumerate((names[:9], names[9:])):
        file = tmp_path / "parts" / f"model-{number}.safetensors"
        save_file({name: state[name] for name in part}, file)
    assert_same(read_weights(tmp_path / "parts"), state)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pth", b"hello", "damaged or other file"),
        ("a.safetensors", b"hello", "damaged or other one"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_weights(tmp_path / name)


def test_files_without_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_weights(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="no such file"):
        read_weights(tmp_path / "none.pth")
    with pytest.raises(InputError, match=r"no \*\.safetensors"):
        read_weights(tmp_path)
    torch.save({"model": {"epoch": 3}}, tmp_path / "epoch.pth")
    with pytest.raises(InputError, match="found a dictionary of epoch"):
        read_weights(tmp_path / "epoch.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="found list"):
        read_weights(tmp_path / "list.pth")


def test_an_hf_folder_gives_the_same_model(tmp_path):
    state, pixels = published_state(), random_pixels()
    model = convert(state)
    model.save_pretrained(tmp_path / "model")
    again = convert(read_weights(tmp_path / "model"))
    np.testing.assert_array_equal(outputs(again, pixels)[1], outputs(model, pixels)[1])
    tuned = convert(published_state(fine_tuned=True), fine_tuned=True)
    tuned.save_pretrained(tmp_path / "tuned")
    with pytest.raises(InputError, match="fine-tuned weights"):
        convert(read_weights(tmp_path / "tuned"))


def test_the_final_norm_of_a_folder_that_denies_it_is_kept(tmp_path):
    """HF's class for masked patches has the norm in itself, and use_mean_pooling is its default."""
    state, pixels = published_state(), random_pixels()
    sizes = convert(state).config.to_dict() | {"use_mean_pooling": True, "vocab_size": 11}
    masked = BeitForMaskedImageModeling(BeitConfig(**sizes))
    weights = convert(state).state_dict()
    norm = {name: weights.pop(name) for name in ("layernorm.weight", "layernorm.bias")}
    masked.load_state_dict(
        {f"beit.{n}": value for n, value in weights.items()} | norm, strict=False
    )
    masked.save_pretrained(tmp_path / "masked")
    vector = outputs(convert(read_weights(tmp_path / "masked")), pixels)[1]
    assert difference(vector, slow_tokens(state, pixels)[:, 0]) < 1e-5


def test_a_folder_that_has_lost_the_final_norm_is_refused(tmp_path):
    model = convert(published_state())
    careless = BeitModel(BeitConfig(**model.config.to_dict() | {"use_mean_pooling": True}))
    careless.load_state_dict(model.state_dict(), strict=False)
    careless.save_pretrained(tmp_path / "careless")
    with pytest.raises(InputError, match="without their final norm"):
        convert(read_weights(tmp_path / "careless"))


def test_what_may_be_of_the_first_version_is_told(tmp_path):
    state = published_state()
    without = {name: v for name, v in state.items() if not name.startswith("cls_pt_layers.")}
    with pytest.warns(InputWarning, match="no cls_pt_layers, as the first version of BEiT"):
        warn_of_first_version(tmp_path / "beit.pth", without)
    folder = tmp_path / "folder"
    make_processor(24).save_pretrained(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_first_version(tmp_path / "beit2.pth", state)
        warn_of_first_version(tmp_path / "tuned.pth", published_state(fine_tuned=True))
        warn_of_first_version(folder, convert(state).state_dict())
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings["image_mean"] = [0.5, 0.5, 0.5]
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.warns(InputWarning, match=r"normalises by 0\.5"):
        warn_of_first_version(folder, convert(state).state_dict())
