"""Loading checkpoints of every supported type, and one clear line for the others."""

import json

import pytest
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

from information_retrieval.checkpoint import load_config, load_model, load_tokenizer
from information_retrieval.lxmert import LxmertForImageTextMatching
from preprocess.errors import InputError
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
