"""Official state dicts: their configuration, told by shapes, and what is refused by name."""

import json

import pytest
import torch

from information_retrieval.models.xvlm import conversion
from information_retrieval.models.xvlm.model import XvlmModel
from information_retrieval.models.xvlm.official_names import DERIVED, official_config, renamed
from preprocess.base.errors import InputError
from tests.information_retrieval.models.xvlm.reference import HEAD_SIZE, small_model

# Parts of names, and what is said of a model that has none of them.
TOLD_BY = {
    "relative_position_bias_table": r"layers\.0\.blocks\.0\.attn.* is missing",
    "vision_encoder.layers.": r"layers\.0\.blocks\.0\.attn.* is missing",
    "vision_encoder.layers.2.": r"layers\.2\.blocks\.0\.attn.* is missing",
    "vision_proj": r"vision_proj\.weight is missing",
    "text_encoder.": r"text_encoder\.embeddings\.word_embeddings\.weight is missing",
    "encoder.layer.": r"encoder\.layer\.0\.intermediate\.dense\.weight is missing",
    "crossattention": r"encoder\.layer\.\*\.crossattention is missing \(no layers that fuse\)",
}


@pytest.fixture(scope="module")
def official_size(reference):
    content = json.loads((reference.folder / "xvlm_official_size.json").read_text())

    def state(name: str) -> dict[str, torch.Tensor]:
        entries = {**content[name]["shapes"], **content[name]["buffers"]}
        return {key: torch.empty(shape, device="meta") for key, shape in entries.items()}

    return state, content


def test_the_shapes_tell_the_configuration(reference):
    config, recorded = official_config(reference.state(), None, HEAD_SIZE), reference.shapes
    vision, text = recorded["configuration"]["swin_128"], recorded["configuration"]["bert"]
    assert config.vision_config.image_size == vision["image_res"]
    for ours, theirs in (("window_size", "window_size"), ("embed_dim", "embed_dim")):
        assert getattr(config.vision_config, ours) == vision[theirs]
    assert list(config.vision_config.depths) == vision["depths"]
    assert list(config.vision_config.num_heads) == vision["num_heads"]
    assert config.vision_config.hidden_size == vision["vision_width"]
    for key in (
        "hidden_size",
        "num_attention_heads",
        "num_hidden_layers",
        "intermediate_size",
        "vocab_size",
        "max_position_embeddings",
        "layer_norm_eps",
    ):
        assert getattr(config.text_config, key) == text[key], key
    assert config.n_text_layers == text["fusion_layer"]
    assert (config.has_box_head, config.has_mlm_head) == (True, True)


@pytest.mark.parametrize(("name", "pixels"), [("pretrain", 224), ("retrieval_384", 384)])
def test_the_official_sizes_are_told_too(official_size, name, pixels):
    state, content = official_size
    config = official_config(state(name))
    assert config.vision_config.image_size == pixels
    assert config.vision_config.window_size == pixels // 32
    assert list(config.vision_config.depths) == [2, 2, 18, 2]
    assert config.text_config.num_attention_heads == 12
    assert config.n_text_layers == 6
    assert config.has_box_head == config.has_mlm_head == (name == "pretrain")
    with torch.device("meta"):
        model = XvlmModel(config)
    n_parameters = sum(p.numel() for p in model.parameters())
    of = "parameters_pretraining" if name == "pretrain" else "parameters_retrieval"
    assert n_parameters == content[of]


def test_names_of_both_kinds_of_file_become_the_same(reference):
    pretrained = renamed(reference.state(), 4)
    fine_tuned = renamed(reference.retrieval_state(), 4)
    assert fine_tuned.keys() < pretrained.keys()
    for name, value in fine_tuned.items():
        assert torch.equal(value, pretrained[name]), name
    heads = {name.partition(".")[0] for name in pretrained.keys() - fine_tuned.keys()}
    assert heads == {"box_head", "mlm_head"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("vision_encoder.class_embedding", "CLIP's ViT"),
        ("vision_encoder.cls_token", "DeiT"),
        ("text_encoder.roberta.embeddings.word_embeddings.weight", "RoBERTa"),
        ("text_decoder.bert.embeddings.word_embeddings.weight", "text decoder"),
        ("cls_head.0.weight", "classifier"),
    ],
)
def test_official_models_of_another_kind_are_refused_by_name(reference, name, told):
    with pytest.raises(InputError, match=told):
        official_config({**reference.state(), name: torch.zeros(1)})


@pytest.mark.parametrize(
    ("left_out", "told"),
    [("text_proj", "no projections"), ("itm_head", "no matching head"), ("vision_encoder", "Swin")],
)
def test_a_model_without_a_needed_part_is_refused(reference, left_out, told):
    state = {k: v for k, v in reference.state().items() if not k.startswith(left_out)}
    with pytest.raises(InputError, match=told):
        official_config(state)


@pytest.mark.parametrize("kind", ["pretrained", "fine_tuned"])
def test_each_weight_that_is_left_out_is_named(reference, kind, monkeypatch):
    models: dict[str, XvlmModel] = {}

    def model_of(config):
        """One of each configuration, as most weights tell the same."""
        if (told := config.to_json_string()) not in models:
            with torch.device("meta"):
                models[told] = XvlmModel(config)
        return models[told]

    monkeypatch.setattr(conversion, "XvlmModel", model_of)
    state = reference.state() if kind == "pretrained" else reference.retrieval_state()
    # Those that follow from others may be left out.
    told_by_others = {*reference.shapes["pretrain"]["tied"], *filter(DERIVED.search, state)}
    for name in sorted(state.keys() - told_by_others):
        rest = {key: value for key, value in state.items() if key != name}
        with pytest.raises(InputError) as refusal:
            conversion.convert(rest, official_config(rest, None, HEAD_SIZE))
        assert "missing" in str(refusal.value), name
        for named in {name} if name in str(refusal.value) else renamed({name: state[name]}, 4):
            assert named in str(refusal.value), name


@pytest.mark.parametrize("left_out", sorted(TOLD_BY))
def test_a_model_without_what_the_configuration_is_told_by_is_refused(reference, left_out):
    state = {k: v for k, v in reference.retrieval_state().items() if left_out not in k}
    with pytest.raises(InputError, match=f"{TOLD_BY[left_out]}.*expected X-VLM with Swin and BERT"):
        official_config(state)


@pytest.mark.parametrize("image_size", [0, -32, 100, 383])
def test_an_image_size_that_no_window_fits_is_refused(reference, image_size):
    with pytest.raises(InputError, match=f"--image_size {image_size}: expected a multiple of 32"):
        official_config(reference.state(), image_size, HEAD_SIZE)


def test_missing_and_unknown_weights_are_listed(reference):
    state = reference.state()
    del state["itm_head.3.bias"], state["vision_encoder.layers.3.blocks.1.norm1.weight"]
    with pytest.raises(InputError, match=r"2 weights are missing: itm_head.3.bias, vision_encoder"):
        small_model(state)
    state = {**reference.state(), "vision_encoder.layers.0.blocks.0.gate": torch.zeros(2)}
    with pytest.raises(InputError, match=r"1 weights have no place in the model: .*\.gate"):
        small_model(state)
    state = {**reference.state(), "itm_head.3.bias": torch.zeros(3)}
    with pytest.raises(InputError, match=r"1 weights have another shape .*: itm_head.3.bias"):
        small_model(state)
