"""Loading checkpoints of every supported type, and one clear line for the others."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Aimv2Config,
    AltCLIPModel,
    AutoTokenizer,
    BlipForImageTextRetrieval,
    CLIPModel,
    LlavaConfig,
    ViltForImageAndTextRetrieval,
)

from information_retrieval.models.checkpoint import load_config, load_model, load_tokenizer
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.sx3hre.model import Sx3hreModel
from preprocess.base.errors import InputError, InputWarning
from tests.conftest import save_clip, save_lxmert
from tests.image_readers import save_image_reader


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lxmert", LxmertForImageTextMatching),
        ("clip", CLIPModel),
        ("altclip", AltCLIPModel),
        ("vilt", ViltForImageAndTextRetrieval),
        ("blip", BlipForImageTextRetrieval),
        ("sx3hre", Sx3hreModel),
    ],
)
def test_each_type_is_loaded_as_the_model_that_scores_pairs(tmp_path, kind, expected):
    makers = {"lxmert": save_lxmert, "clip": save_clip}
    if kind in makers:
        folder = makers[kind](tmp_path / kind)
    else:
        folder = save_image_reader(tmp_path / kind, kind)
    model = load_model(str(folder))
    assert isinstance(model, expected)
    assert not model.training


@pytest.mark.parametrize("config", [LlavaConfig(), "bert", "vit", "clip_vision_model"])
def test_a_model_that_is_no_retrieval_model_is_refused(tmp_path, config):
    if isinstance(config, str):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": config}))
    else:
        config.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"unknown model type .* expected one of lxmert, clip, si"):
        load_config(str(tmp_path))


def test_a_model_whose_scores_depend_on_the_batch_is_refused(tmp_path):
    Aimv2Config().save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"aimv2 models cannot be scored: .* depends on"):
        load_config(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "head"), [("vilt", "rank_output"), ("blip", "itm_head"), ("siglip", "logit_bias")]
)
def test_a_checkpoint_without_a_weight_is_refused(tmp_path, kind, head):
    folder = save_image_reader(tmp_path / kind, kind)
    path = folder / "model.safetensors"
    weights = load_file(path)
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(head)}
    assert len(kept) < len(weights)
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match=rf"weights of .* are not in the checkpoint \({head}"):
        load_model(str(folder))


def change_config(folder, change) -> str:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.mark.parametrize(
    ("make", "change", "line"),
    [
        (save_lxmert, lambda c: c.update(l_layers=1), r"16 weights .*lxmert\.encoder\.layer\.1\."),
        (save_lxmert, lambda c: c.update(x_layers=1), r"weights .*lxmert\.encoder\.x_layers\.1\."),
        (
            save_clip,
            lambda c: c["text_config"].update(num_hidden_layers=1),
            r"16 weights .*text_model\.encoder\.layers\.1\.",
        ),
    ],
)
def test_weights_of_layers_that_the_configuration_does_not_have_are_refused(
    tmp_path, make, change, line
):
    folder = change_config(make(tmp_path / "model"), change)
    with pytest.raises(InputError, match=rf"{line}.*the config\.json that belongs to the weights"):
        load_model(folder)


def test_weights_of_another_shape_are_named_with_both(tmp_path):
    folder = change_config(save_clip(tmp_path), lambda c: c["vision_config"].update(image_size=48))
    line = r"position_embedding\.weight is 17 x 32 in the checkpoint, and 37 x 32 by config\.json"
    with pytest.raises(InputError, match=line) as error:
        load_model(folder)
    assert "report" not in str(error.value)


def test_heads_of_other_tasks_are_named_and_left_out(tmp_path):
    save_lxmert(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    extra = {
        "answer_head.logit_fc.0.weight": torch.zeros(2),
        "cls.predictions.bias": torch.zeros(2),
        "lxmert.embeddings.position_ids": torch.arange(80),  # as older versions of HF saved it
    }
    save_file({**weights, **extra}, path, metadata={"format": "pt"})
    with pytest.warns(InputWarning, match="not needed are left out: answer_head, cls$"):
        model = load_model(str(tmp_path))
    assert torch.equal(
        model.matching_head.logit_fc[0].weight, weights["matching_head.logit_fc.0.weight"]
    )


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 605247071\n"


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "tokenizer.json"])
def test_a_git_lfs_pointer_is_called_so(tmp_path, name):
    save_clip(tmp_path)
    if name != "tokenizer.json":
        (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_text(POINTER)
    with pytest.raises(InputError, match=rf"{name}: expected the file itself, found a Git LFS po"):
        load_model(str(tmp_path))


def test_torchs_advice_to_run_what_a_file_holds_is_not_passed_on(tmp_path):
    save_clip(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_text("no weights, " * 99)
    with pytest.raises(InputError, match="the weights cannot be loaded") as error:
        load_model(str(tmp_path))
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize("kind", ["siglip", "altclip", "vilt", "blip"])
def test_the_tokenizer_is_compared_with_the_text_models_vocabulary(tmp_path, kind):
    folder = save_image_reader(tmp_path / kind, kind)
    vocabulary = load_config(str(folder)).get_text_config().vocab_size
    assert len(load_tokenizer(str(folder), vocabulary)) == vocabulary
    with pytest.raises(InputError, match="expected a tokenizer of the model's 30,522 entries"):
        load_tokenizer(str(folder), 30522)


def test_a_tokenizer_whose_library_is_missing_is_named(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError("SiglipTokenizer requires the SentencePiece library")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", missing)
    with pytest.raises(InputError, match=r"no tokenizer .*requires the SentencePiece library"):
        load_tokenizer(str(tmp_path), 10)
