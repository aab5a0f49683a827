"""The image tower of a checkpoint is there whole, or a line says what is wrong."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BeitModel, CLIPVisionModel, ViTConfig

from preprocess.base.errors import InputError
from preprocess.encoders.towers import load_tower, load_tower_config
from tests.conftest import save_clip
from tests.preprocess.encoders.tiny_beit import published_state, save_beit


def load(folder) -> torch.nn.Module:
    return load_tower(str(folder), load_tower_config(str(folder)))


def change_config(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_weight(folder, ending: str, value: torch.Tensor | None) -> None:
    """Replace the one weight whose name ends so, or take it out; HF saves older names."""
    path = folder / "model.safetensors"
    state = load_file(path)
    (name,) = (name for name in state if name.endswith(ending))
    state[name] = value
    save_file({key: v for key, v in state.items() if v is not None}, path, {"format": "pt"})


def test_each_type_gives_its_tower(tmp_path):
    assert isinstance(load(save_beit(tmp_path / "beit")), BeitModel)
    tower = load(save_clip(tmp_path / "clip"))
    assert isinstance(tower, CLIPVisionModel)
    tower.save_pretrained(tmp_path / "alone")
    alone = load(tmp_path / "alone")
    assert not alone.training
    for name, value in tower.state_dict().items():
        assert torch.equal(alone.state_dict()[name], value)


def test_weights_are_widened_to_float32(tmp_path):
    load(save_beit(tmp_path / "beit")).half().save_pretrained(tmp_path / "half")
    assert {value.dtype for value in load(tmp_path / "half").state_dict().values()} == {
        torch.float32
    }


@pytest.mark.parametrize("name", ["nothing/here", "no_such_folder"])
def test_what_is_not_there_is_told(tmp_path, name):
    with pytest.raises(InputError, match="expected an HF checkpoint folder or hub id, found no"):
        load_tower_config(str(tmp_path / name))


def test_another_type_is_refused(tmp_path):
    ViTConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"'vit' is no image encoder .* one of beit, clip"):
        load_tower_config(str(tmp_path))


def test_weights_that_are_missing_or_of_another_shape_are_named(tmp_path):
    folder = save_beit(tmp_path / "a")
    change_weight(folder, "1.lambda_2", None)
    with pytest.raises(InputError, match=r"1 weights .* are missing: layers\.1\.lambda_2"):
        load(folder)
    folder = save_beit(tmp_path / "b")
    change_weight(folder, "cls_token", torch.zeros(1, 1, 12))
    with pytest.raises(InputError, match=r"another shape .*: embeddings\.cls_token"):
        load(folder)


@pytest.mark.parametrize("save", [save_beit, save_clip])
def test_blocks_that_config_json_leaves_out_are_not_left_out(tmp_path, save):
    folder = save(tmp_path / "model")
    if save is save_clip:
        vision = json.loads((folder / "config.json").read_text())["vision_config"]
        change_config(folder, vision_config={**vision, "num_hidden_layers": 1})
    else:
        change_config(folder, num_hidden_layers=1, out_indices=None, out_features=None)
    with pytest.raises(InputError, match=r"have no place in the model that config\.json describes"):
        load(folder)


def test_a_damaged_file_of_weights_is_told_in_a_line(tmp_path):
    folder = save_beit(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="the weights cannot be loaded") as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_a_fine_tuned_beit_is_refused_unless_its_mean_was_asked_for(tmp_path):
    folder = save_beit(tmp_path / "tuned", published_state(fine_tuned=True), fine_tuned=True)
    assert load(folder).config.use_mean_pooling
    change_config(folder, image_vector=None)
    with pytest.raises(InputError, match=r"fine-tuned with labels, .* --fine_tuned"):
        load(folder)
    change_config(folder, use_mean_pooling=False)
    with pytest.raises(InputError, match=r"fine-tuned weights, whose config\.json denies"):
        load(folder)


def test_a_final_norm_that_config_json_would_drop_is_told(tmp_path):
    folder = save_beit(tmp_path / "model")
    change_config(folder, use_mean_pooling=True)
    with pytest.raises(InputError, match=r"drops the final norm .*convert_beit --checkpoint"):
        load(folder)
