"""Captioners of all types from their folders."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from captioning.models.loading import load_captioner
from captioning.models.vocabulary import build_word_vocabulary
from preprocess.base.errors import InputError
from tests.captioning.models.tiny import (
    CAPTIONS,
    save_blip,
    save_captioner,
    save_prefix_captioner,
)
from tests.conftest import save_clip

SAVERS = {
    "lstm_captioner": (save_captioner, "encodings"),
    "prefix_captioner": (save_prefix_captioner, "encodings"),
    "blip": (save_blip, "pixels"),
}


@pytest.mark.parametrize("kind", SAVERS)
def test_a_captioner_of_each_type_is_loaded_with_its_words(tmp_path, kind):
    save, reads = SAVERS[kind]
    loaded = load_captioner(str(save(tmp_path)))
    assert loaded.config.model_type == kind
    assert loaded.reads == reads
    assert loaded.device == torch.device("cpu")
    assert not loaded.model.training
    ids = loaded.vocabulary.encode(["a red cat"])[0]
    assert loaded.vocabulary.decode(ids) == "a red cat"


def test_a_blip_begins_with_the_prompt(tmp_path):
    save_blip(tmp_path)
    prompts = [load_captioner(str(tmp_path), prompt=p).model.prompt for p in ("", "the red cat")]
    begin = prompts[0][0]
    ids = load_captioner(str(tmp_path)).vocabulary.encode(["the red cat"])[0]
    assert prompts == [[begin], [begin, *ids]]


def test_a_vocabulary_of_another_size_is_refused(tmp_path):
    save_captioner(tmp_path)
    build_word_vocabulary(["a cat"], 1).save(tmp_path)
    with pytest.raises(InputError, match=r"has 6 words, the weights are of \d+; give the token"):
        load_captioner(str(tmp_path))


def test_as_many_words_and_not_the_same_are_refused(tmp_path):
    save_captioner(tmp_path)
    build_word_vocabulary(CAPTIONS[::-1], 1).save(tmp_path)
    with pytest.raises(InputError, match="as many words as the weights, and not the same"):
        load_captioner(str(tmp_path))


def test_special_words_of_other_ids_are_refused(tmp_path):
    save_captioner(tmp_path, eos_token_id=5)
    with pytest.raises(InputError, match=r"eos_token_id of tokenizer.json is 2, of config.json 5"):
        load_captioner(str(tmp_path))


def test_a_missing_vocabulary_is_named(tmp_path):
    save_captioner(tmp_path)
    for path in tmp_path.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        load_captioner(str(tmp_path))


def test_missing_weights_and_those_of_another_architecture_are_refused(tmp_path):
    save_captioner(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    weights = load_file(tmp_path / "one" / "model.safetensors")
    weights.pop("output.bias")
    save_file(weights, tmp_path / "one" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"1 weights of LstmCaptioner .*output\.bias"):
        load_captioner(str(tmp_path / "one"))
    config = json.loads((tmp_path / "two" / "config.json").read_text())
    config["hidden_size"] = 9
    (tmp_path / "two" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"in the checkpoint, and .* by config\.json"):
        load_captioner(str(tmp_path / "two"))


def test_what_is_no_captioner_is_refused(tmp_path):
    with pytest.raises(InputError, match="found no such folder here"):
        load_captioner(str(tmp_path / "none"))
    with pytest.raises(InputError, match="model type 'clip' is no captioner; expected one of lstm"):
        load_captioner(str(save_clip(tmp_path / "clip")))
